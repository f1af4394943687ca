"""Somebody's own labelled file is measured, or is told what is wrong with it."""

from pathlib import Path

import pytest
from bench.match.rows import read_rows
from bench.match.sets import own_file


def test_columns_that_are_left_out_are_unknown(tmp_path: Path) -> None:
    path = tmp_path / "crm.csv"
    path.write_text("truth,key,surname,phone\n7,a,Müller,+49 30 1\n", encoding="utf-8")
    (row,) = read_rows(own_file(path).file(tmp_path))
    assert (row.key, row.truth, row.source, row.surname, row.phone, row.email) == (
        *("a", "7", "crm", "Müller", "+49 30 1", ""),
    )


@pytest.mark.parametrize(
    ("heading", "complaint"),
    [
        ("key,truth,lastname", "crm.csv: no row has the column lastname"),
        ("key,email", "the column truth is missing"),
    ],
)
def test_a_heading_that_does_not_fit_is_said(tmp_path: Path, heading: str, complaint: str) -> None:
    path = tmp_path / "crm.csv"
    path.write_text(heading + "\n")
    with pytest.raises(ValueError, match=complaint):
        own_file(path)


def test_a_changed_file_is_another_set(tmp_path: Path) -> None:
    path = tmp_path / "crm.csv"
    path.write_text("key,truth\n1,1\n")
    before = own_file(path).name
    path.write_text("key,truth\n1,2\n")
    assert own_file(path).name != before
