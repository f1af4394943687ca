"""Counts and moments in sentences."""

import pytest

from crossdock.kit.clock import MICROSECONDS
from crossdock.kit.wording import counted, said_at, with_moments

AT = 1_763_790_454 * MICROSECONDS


@pytest.mark.parametrize(
    ("count", "words"), [(0, "0 findings"), (1, "1 finding"), (2, "2 findings"), (1_200, "1200 findings")]
)
def test_a_count_agrees_with_its_noun(count: int, words: str) -> None:
    assert counted(count, "finding") == words


def test_a_plural_of_its_own() -> None:
    assert (counted(1, "company", "companies"), counted(2, "company", "companies")) == ("1 company", "2 companies")


def test_a_moment_in_a_sentence_is_whole_seconds_and_found_again() -> None:
    sentence = f"asked again from {said_at(AT + 436_000)}; not before {said_at(AT)}."
    assert sentence == "asked again from 2025-11-22 05:47:34 UTC; not before 2025-11-22 05:47:34 UTC."
    seen: list[int] = []

    def then(instant: int) -> str:
        seen.append(instant)
        return "then"

    assert with_moments(sentence, then) == "asked again from then; not before then."
    assert seen == [AT, AT]


@pytest.mark.parametrize(
    "text", ["", "2025-11-22T05:47:34Z", "2025-13-22 05:47:34 UTC", "12025-11-22 05:47:34 UTC", "2025-11-22"]
)
def test_what_is_no_moment_of_ours_stays_as_it_is(text: str) -> None:
    assert with_moments(text, lambda _: "then") == text
