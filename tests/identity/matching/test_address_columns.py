"""Lines of addresses read as columns come to what each comes to alone."""

import numpy as np
from hypothesis import example, given
from hypothesis import strategies as st

from crossdock.identity.matching.columns import Texts
from crossdock.identity.matching.normalise.address_columns import street_columns
from crossdock.identity.matching.normalise.addresses import street_of

WORD = st.sampled_from(
    [
        *("12", "012", "7", "12a", "0", "1234567", "٣", "a", "é", "é5", "b2"),
        *("st", "saint", "ste", "str", "Hauptstr.", "Seeweg", "rue", "apt", "Unit", "fl"),
        *("box", "PO", "bp", "CP", "clubp"),
        *("-", "--", "ß", " ", "北"),
    ]
)  # fmt: skip
LINE = st.lists(WORD, max_size=6).map(" ".join)


@given(st.lists(st.tuples(LINE, LINE, LINE), min_size=1, max_size=6))
@example([("Hauptstr. 0012 a", "apt 3", ""), ("-", "Seeweg 4 b c", ""), ("-", "Seeweg", "PO box 12")])
@example([("apt 3", "--", "é"), ("12 rue st", "-", "-"), ("saint st", "1 saint st", ""), ("a fl 7 b", "--", "b2")])
@example([("7 12", "", ""), ("12 7 a", "", ""), ("a 12 7", "", ""), ("0 a", "", ""), ("clubp 12", "", "")])
def test_streets(addresses: list[tuple[str, str, str]]) -> None:
    columns = street_columns([Texts.of([lines[place] for lines in addresses]) for place in range(3)])
    found = list(zip(*(column.all() for column in columns), strict=True))
    assert found == [street_of(tuple(line for line in lines if line.strip())) for lines in addresses]
    assert all(np.unique(column.words.hashes).size == len(column.words) for column in columns)
