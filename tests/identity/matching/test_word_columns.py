"""What compiled loops make of whole columns is what is made of each word alone."""

from typing import Any

import numpy as np
from hypothesis import example, given, settings
from hypothesis import strategies as st

from crossdock.identity.matching import kernels, pair_kernels, word_kernels
from crossdock.identity.matching.columns import SEED, Texts, Words, as_spelled, as_text
from crossdock.identity.matching.contacts import bears, is_plain, typed_alike
from crossdock.identity.matching.keys import sound
from crossdock.identity.matching.normalise.contact_columns import mailboxes, phones
from crossdock.identity.matching.normalise.emails import email_of
from crossdock.identity.matching.normalise.phones import phone_of
from crossdock.identity.matching.normalise.rows import compacted, folded
from crossdock.identity.matching.normalise.text import compact, fold
from crossdock.identity.matching.spelling import combinations, having, told_apart, used

TEXT = st.text(max_size=12)
WORDS = st.lists(TEXT, min_size=1, max_size=12)
PLAIN = st.text("ab.-_ ", max_size=8)
NAME = st.text("abc.+-_A é\t", max_size=6)
DOMAIN = st.sampled_from(
    [
        "gmail.com",
        "Googlemail.com",
        "web.de",
        "a-b.co.uk",
        "-a.de",
        "a..de",
        "x.y1",
        "x",
        "büro.de",
        "me.com",
        "a_b.de",
    ]
)
MAILBOX = st.builds("{}@{}".format, NAME | st.sampled_from(["noreply", "n/a", "none+1"]), DOMAIN) | TEXT
PHONE = st.text("0123456789+ ()/.-x", max_size=16) | st.from_regex(
    r"(\+49|0049|0|\+39 0)?[1-9][0-9]{4,12}", fullmatch=True
)


@given(WORDS)
def test_words_are_the_same_as_text_and_as_code_points(words: list[str]) -> None:
    spelled = as_spelled(words)
    assert as_text(spelled) == words
    texts = told_apart(spelled, np.arange(len(words)))
    assert texts.all() == words
    assert texts.words.words[0] == ""
    assert sorted(texts.words.words) == sorted({"", *words})
    assert used(texts, np.array([0])).all() == words[:1]


@given(WORDS)
@example(["½ l", "Straße", "\u0130ß", "O\u2019Neil", "é" * 500, "a\u0301\u0323b", "Ǆ", "\u1e9e", "ﬁn"])
def test_columns_are_folded_as_words_are(words: list[str]) -> None:
    assert folded(Texts.of(words)).all() == [fold(word) for word in words]
    assert compacted(Texts.of(words), 12).all() == [compact(word)[:12] for word in words]


@settings(max_examples=300)
@given(st.lists(MAILBOX, min_size=1, max_size=8))
@example(["Anna.Huber+shop@GMail.com", " a@b.de ", "a@b.d", "a@b.c1", "a.@b.de", "a@b@c.de", "noreply@b.de", ""])
def test_columns_of_mailboxes_are_read_as_mailboxes_are(texts: list[str]) -> None:
    assert mailboxes(Texts.of(texts)).all() == [email_of(text) for text in texts]


@settings(max_examples=200)
@given(st.lists(st.tuples(PHONE, st.sampled_from(["DE", "IT", "US", ""])), min_size=1, max_size=8))
@example([("030/1234567", "DE"), ("+390612345678", "US"), ("1111111", "DE"), ("12345", ""), ("0043 1 23", "AT")])
def test_columns_of_phones_are_read_as_phones_are(said: list[tuple[str, str]]) -> None:
    found = phones(Texts.of([text for text, _ in said]), Texts.of([country for _, country in said]))
    assert found.all() == [phone_of(text, country) for text, country in said]


@given(st.lists(st.tuples(PLAIN, PLAIN), min_size=1, max_size=9))
def test_combinations_are_those_of_the_rows(rows: list[tuple[str, str]]) -> None:
    columns = [Texts.of([row[side] for row in rows]) for side in (0, 1)]
    parts, places = combinations(columns)
    said = list(
        zip(*(Texts(column.words, part).all() for column, part in zip(columns, parts, strict=True)), strict=True)
    )
    assert [said[place] for place in places.tolist()] == rows
    assert len(said) == len(set(said))


@given(WORDS, st.sets(st.sampled_from(["a", "b", "ab"])))
def test_a_word_has_a_part_between_its_blanks(words: list[str], parts: set[str]) -> None:
    listed = Words(["", *words])
    wanted = [bool(parts & set(word.split(" "))) for word in listed.words]
    assert having(listed, parts).tolist() == wanted


@given(st.lists(st.text("abcdefghw9ß", max_size=8), min_size=2, max_size=8))
def test_words_sound_alike_where_their_codes_are_equal(words: list[str]) -> None:
    points, starts = as_spelled(words)
    numbers = word_kernels.sounds(points, starts[:-1], starts[1:], SEED).tolist()
    codes = [sound(word) for word in words]
    assert [[one == other for other in numbers] for one in numbers] == [[a == b for b in codes] for a in codes]


@given(st.text("ab", max_size=6), st.text("ab", max_size=6))
def test_one_edit_is_a_distance_of_one(one: str, other: str) -> None:
    words = Words(["", one, other])
    points, starts = words.spelled
    place = np.array([1], np.int32), np.array([2], np.int32)
    distance = kernels.distances(words.letters, place[0], words.letters, place[1])[0]
    found = kernels.one_edit(points, starts[1], len(one), points, starts[2], len(other))
    assert found == (distance == 1)


OWNERS = st.text("abk", max_size=4)


@settings(max_examples=300)
@given(
    st.text("abk.-_1", max_size=9),
    OWNERS,
    OWNERS,
    st.lists(OWNERS, max_size=2).map(lambda parts: " ".join(filter(None, parts))),
)
@example("anna.b", "anna", "ann", "b")
def test_a_mailbox_is_called_as_somebody_whichever_way_it_is_asked(
    local: str, given: str, root: str, family: str
) -> None:
    email = f"{local}@web.de"
    parts = [
        part
        for word in (email, given, root, family)
        for part in (Words(["", word]).letters, np.array([1], np.int32))
    ]
    arguments: list[Any] = [*parts, len(email)]
    found = pair_kernels.calls(*arguments)
    assert found[:, 0].tolist() == [say(email, given, root, family) for say in (bears, is_plain)]


@settings(max_examples=300)
@given(st.text("ab1.-_@", max_size=8), st.text("ab1.-_@", max_size=8))
def test_slips_of_the_fingers_are_told_alike(one: str, other: str) -> None:
    left, right = as_spelled([one]), as_spelled([other])
    found = pair_kernels.slip(left[0], 0, len(one), right[0], 0, len(other))
    assert found == typed_alike(one, other)
