"""Loops over the words of pairs of names say what is said of each pair alone."""

from collections import Counter

import numpy as np
from hypothesis import example, given
from hypothesis import strategies as st

from crossdock.identity.matching import cluster_kernels, name_kernels
from crossdock.identity.matching.columns import SEED, Texts, as_spelled
from crossdock.identity.matching.companies import LETTERS_MAX, name_level
from crossdock.identity.matching.comparisons import DIFFERENT, NEARLY
from crossdock.identity.matching.contacts import MOBILES, is_mobile
from crossdock.identity.matching.mixture import Sample
from crossdock.identity.matching.pairs import unpacked
from crossdock.identity.matching.spelling import parted

WORD = st.text("abé", min_size=1, max_size=3)
NAME = st.lists(WORD, min_size=1, max_size=4).map(" ".join)
NAMES = st.lists(st.tuples(NAME, NAME), min_size=1, max_size=8)


def columns_of(pairs: list[tuple[str, str]]) -> tuple[Texts, Texts, int]:
    """The names of both sides, and the letters of the longest."""
    one, other = (Texts.of([pair[side] for pair in pairs]) for side in (0, 1))
    return one, other, max(one.words.longest, other.words.longest)


@given(NAMES, st.sampled_from([NEARLY, DIFFERENT]))
@example([("a b", "a b c"), ("ab ba", "ba ab"), ("ab", "a b"), ("ab", "aa ba"), ("aa bb", "ab")], DIFFERENT)
@example([("aaa aab aba", "bbb bba bab"), ("aaa aaa aab", "aab aab aaa")], NEARLY)
def test_names_of_companies(pairs: list[tuple[str, str]], otherwise: int) -> None:
    one, other, longest = columns_of(pairs)
    found = name_kernels.company_levels(
        *(one.words.letters, one.places, other.words.letters, other.places),
        *(np.full(len(pairs), otherwise, np.int8), SEED, longest),
    )
    for (a, b), level in zip(pairs, found.tolist(), strict=True):
        mine, theirs = a.split(), b.split()
        looked_at = set(mine) <= set(theirs) or set(theirs) <= set(mine) or min(len(a), len(b)) <= LETTERS_MAX
        assert level == (name_level(mine, theirs, otherwise) if looked_at else otherwise), (a, b)


@given(NAMES)
def test_words_that_two_names_share(pairs: list[tuple[str, str]]) -> None:
    one, other, longest = columns_of(pairs)
    both = one.words.letters, one.places, other.words.letters, other.places
    shared = name_kernels.share_a_word(*both, SEED, longest)
    assert shared.tolist() == [not set(a.split()).isdisjoint(b.split()) for a, b in pairs]
    assert name_kernels.among(*both, SEED).tolist() == [a in b.split() for a, b in pairs]


@given(st.lists(st.sampled_from(MOBILES) | st.text("+0123456789", max_size=4), min_size=1, max_size=9))
def test_mobile_numbers(phones: list[str]) -> None:
    found = name_kernels.beginning(*as_spelled(phones), *as_spelled(MOBILES))
    assert found.tolist() == [is_mobile(phone) for phone in phones]


@given(st.lists(st.text(max_size=6), min_size=1, max_size=12))
def test_a_column_out_of_one_text(values: list[str]) -> None:
    column = parted("".join(values), np.array([len(value) for value in values]))
    assert column.all() == values
    assert column.words.words == list(dict.fromkeys(["", *values]))


@given(st.lists(st.tuples(st.integers(-1, 3), st.integers(-1, 5)), min_size=1, max_size=40), st.booleans())
def test_patterns_of_levels_are_counted(rows: list[tuple[int, int]], many: bool) -> None:
    levels = np.array(rows, np.int8)
    # Of many comparisons the levels do not fit into one number.
    sample = Sample(np.concatenate([levels] * 15, axis=1) if many else levels, 2.0)
    found = {tuple(row[:2]): count for row, count in zip(sample.patterns.tolist(), sample.counts, strict=True)}
    assert found == {row: 2.0 * count for row, count in Counter(rows).items()}


@given(st.lists(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), max_size=20), max_size=3))
def test_pairs_of_several_keys_are_put_together(parts: list[list[tuple[int, int]]]) -> None:
    pairs = [np.array([10 * min(one) + max(one) for one in part], np.int64) for part in parts]
    left, right = unpacked(pairs, 10)
    wanted = sorted({(min(one), max(one)) for part in parts for one in part})
    assert list(zip(left.tolist(), right.tolist(), strict=True)) == wanted


@given(st.lists(st.tuples(st.integers(0, 19), st.integers(0, 19)), max_size=30))
def test_pairs_that_a_group_lacks(edges: list[tuple[int, int]]) -> None:
    known = sorted({(min(edge), max(edge)) for edge in edges if edge[0] != edge[1]})
    i, j = np.array(known, np.int64).reshape(-1, 2).T.copy()
    groups = cluster_kernels.least_rows(20, i, j)
    sizes = np.bincount(groups, minlength=20)
    left, right = cluster_kernels.absent(groups, sizes, i, j, 6)
    wanted = {
        (a, b)
        for b in range(20)
        for a in range(b)
        if groups[a] == groups[b] and 3 <= sizes[groups[a]] <= 6 and (a, b) not in known
    }
    found = list(zip(left.tolist(), right.tolist(), strict=True))
    assert len(found) == len(set(found))
    assert set(found) == wanted
