"""Fragments of release notes can be joined: named alike, short, of a known kind."""

import re

import pytest
from tests.architecture.tree import files, text_of

FOLDER = "changes/"
KINDS = frozenset(re.findall(r"^\| `([a-z]+)` \|", text_of(f"{FOLDER}README.md"), re.MULTILINE))
FRAGMENTS = [path for path in files() if path.startswith(FOLDER) and path != f"{FOLDER}README.md"]
SENTENCES_MAX = 5


@pytest.mark.parametrize("path", FRAGMENTS)
def test_a_fragment_is_named_by_topic_and_kind_and_is_short(path: str) -> None:
    name = re.fullmatch(r"changes/[a-z0-9]+(?:-[a-z0-9]+)*\.([a-z]+)\.md", path)
    assert name
    assert name[1] in KINDS
    text = text_of(path)
    assert text.strip()
    assert not text.startswith("#")
    assert len(re.findall(r"[.!?](?:\s|$)", text)) <= SENTENCES_MAX


def test_the_kinds_are_those_that_contributors_are_told() -> None:
    told = re.search(r"`<topic>\.<([a-z|]+)>\.md`", text_of("CONTRIBUTING.md"))
    assert told
    assert set(told[1].split("|")) == KINDS
