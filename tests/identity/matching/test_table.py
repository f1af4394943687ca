"""Whole columns are normalised as single records are, whatever they hold."""

from itertools import pairwise

import numpy as np
import pytest
from bench.match.retail import retail_rows
from hypothesis import given, settings
from hypothesis import strategies as st

from crossdock.identity.matching.columns import PLACE_PARTS, PLAIN_LISTS, Columns, Texts, columns_of
from crossdock.identity.matching.normalise import features_of
from crossdock.identity.matching.population import population_of_table
from crossdock.identity.matching.record import Profile
from crossdock.identity.matching.table import Table

TEXTS = ("given", "middle", "root", "family", "generation", "birth", "organisation", "form")
LISTS = {**{name: (name,) for name in PLAIN_LISTS}, "tax_ids": ("tax_ids", "tax_ids.country", "tax_ids.valid")}


def table_of(columns: dict[str, list[list[str]]]) -> Table:
    size = len(next(iter(columns.values()))[0])
    return Table(size, {name: [Texts.of(values) for values in found] for name, found in columns.items()})


def told(columns: Columns) -> dict[str, list[object]]:
    """Everything that columns say, row by row."""
    rows = np.arange(len(columns))
    names = [*TEXTS, *(f"extra:{name}" for name in columns.extras)]
    found: dict[str, list[object]] = {name: list(columns.text(name).at(rows)) for name in names}
    places = {"places": tuple(f"places.{part}" for part in PLACE_PARTS)}
    for name, parts in {**LISTS, **places}.items():
        starts = columns.lists(name).starts.tolist()
        for part in parts:
            flat = columns.values(part).at(np.arange(starts[-1]))
            found[part] = [flat[start:end] for start, end in pairwise(starts)]
    return found


def assert_alike(table: Table) -> None:
    """Column by column and record by record the same comes out."""
    for group in population_of_table(table).groups:
        records = [features_of(table.profile(row)) for row in group.rows.tolist()]
        assert all(record.kind == group.kind for record in records)
        assert told(group.columns) == told(columns_of(records))


def test_a_retailers_columns_are_normalised_as_its_records_are() -> None:
    rows = list(retail_rows(1_500, seed=5))
    names = {"given": "given", "middle": "middle", "family": "surname", "name": "full", "birth_date": "born"}
    names |= {name: name for name in ("kind", "organisation", "country", "postcode", "city", "region")}
    columns = {name: [[getattr(row, field) for row in rows]] for name, field in names.items()}
    columns["address_country"] = columns["country"]
    columns["registration"] = [[row.number if row.kind == "organisation" else "" for row in rows]]
    for name, fields in {
        "line": ("street", "extra"),
        "email": ("email",),
        "phone": ("phone",),
        "tax_id": ("tax", "number"),
        "loyalty_id": ("loyalty",),
        "customer_number": ("number",),
        "extra:website": ("website",),
        "reference:web shop": ("key",),
    }.items():
        columns[name] = [[getattr(row, field) for row in rows] for field in fields]
    assert_alike(table_of(columns))


ODD = st.sampled_from(
    [
        *("", " ", "n/a", "Anna", "ANNA MARIA", "von der Heide", "Vogt, Anna", "Bob", "Müller & Söhne GmbH", "李"),
        *("Main St 12", "12 Main St, Springfield IL 62701", "Bachweg 012b", "P.O. Box 77", "5", "Haus 5 Weg 7"),
        *("1980-04-05", "04/05/1980", "19800405", "0049 30 123456", "+49 (0)30 123456", "030/123456", "555-1234"),
        *(
            "a@b.de",
            "A.B+x@googlemail.com",
            "nobody",
            "DE136695976",
            "US:123-45-6789",
            "K-0012",
            "de",
            "USA",
            "Bern",
        ),
        *("Jr.", "Dumas père", "Huber jun.", "Brown Jr, Jeffrey", "Huber geb. Vogt", "Vogt AG t/a Nord"),
        *("Straße des 17. Juni 135", "٣ Rue de la Paix", "x" * 500, "\u0130stanbul", "3rd Ave 4", "str 1 1"),
    ]
)
NAMES = (
    *(
        "given",
        "middle",
        "family",
        "suffix",
        "name",
        "organisation",
        "legal_form",
        "registration",
        "birth_date",
        "country",
    ),
    *("house", "postcode", "city", "region", "address_country", "extra:trade", "reference:shop"),
)


@st.composite
def odd_tables(draw: st.DrawFn) -> Table:
    """Anything in any column."""
    size = draw(st.integers(1, 5))
    values = st.lists(ODD, min_size=size, max_size=size)
    columns = {name: [draw(values)] for name in NAMES}
    columns["kind"] = [draw(st.lists(st.sampled_from(["", "person", "Firma", "?"]), min_size=size, max_size=size))]
    for name in ("line", "other_name", "email", "verified_email", "phone", "tax_id", "customer_number"):
        columns[name] = draw(st.lists(values, min_size=1, max_size=3))
    return table_of(columns)


@settings(max_examples=60, deadline=None)
@given(odd_tables())
def test_odd_columns_are_normalised_as_odd_records_are(table: Table) -> None:
    assert_alike(table)


def test_a_row_that_names_only_a_company_is_about_a_company() -> None:
    table = table_of({"organisation": [["Vogt AG", "Vogt AG", ""]], "family": [["", "Huber", "Maier"]]})
    assert [table.kind(row) for row in range(3)] == ["organisation", "person", "person"]
    assert [len(group) for group in population_of_table(table).groups] == [2, 1]
    assert table.profile(2) == Profile(family="Maier")


@pytest.mark.parametrize("columns", [{"colour": [["red"]]}, {"given": [["Anna"], ["Berta"]]}])
def test_a_column_that_no_record_has_is_refused(columns: dict[str, list[list[str]]]) -> None:
    with pytest.raises(ValueError, match=r"colour|given"):
        table_of(columns)
