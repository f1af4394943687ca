"""Whoever meets a code finds it in the book, with what to do; and the book has no other codes."""

import re

import pytest
from tests.architecture.tree import text_of
from tests.docs.codes import codes

from crossdock.entrypoints.cli.running import WHAT_TO_DO

PAGE = "docs/errors.md"
ROW = re.compile(r"^\| ((?:`[a-z0-9-]+`(?:, )?)+) \| ([A-Za-z, ]*) \| (.+) \| (.+) \|$", re.MULTILINE)
ROWS = ROW.findall(text_of(PAGE))


def test_every_code_in_the_source_is_explained_once_and_no_other_is() -> None:
    explained = [code for names, *_ in ROWS for code in re.findall(r"`([a-z0-9-]+)`", names)]
    assert sorted(explained) == sorted(set(explained))
    assert set(codes()) - set(explained) == set(), "not explained"
    assert set(explained) - set(codes()) == set(), "not in the source"


def test_every_row_is_a_row() -> None:
    lines = [line for line in text_of(PAGE).splitlines() if line.startswith("| `")]
    assert len(lines) == len(ROWS)


@pytest.mark.parametrize(("names", "kinds"), [(names, kinds) for names, kinds, *_ in ROWS])
def test_the_page_knows_every_kind_that_bears_a_code(names: str, kinds: str) -> None:
    for code in re.findall(r"`([a-z0-9-]+)`", names):
        assert codes().get(code, frozenset()) <= set(kinds.split(", ")), code


def test_hints_on_the_command_line_are_for_codes_that_exist() -> None:
    assert set(WHAT_TO_DO) <= set(codes())
