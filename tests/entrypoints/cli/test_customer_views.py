"""What is told of customers on a terminal of eighty columns: numbers and ids are whole, values can be read."""

import re
from collections.abc import Callable

import pytest

from crossdock.entrypoints.cli import customer_views as views
from crossdock.entrypoints.entrance.customer_answers import (
    CustomerTold,
    OpinionTold,
    QuestionTold,
    RecordTold,
    ReviewRow,
    ValueTold,
)
from crossdock.entrypoints.entrance.mentions import Mention

PARTY = "01a20161-10a2-7b9d-bd4e-ce950f8e469c"
OTHER = "01a20161-56ba-7f16-9161-b4bb5a0c1d2e"
RECORD = "salesforce/Account/001gL0000000004QAA"
FIELD = "shipping.default.address.postal_code"
VALUE = "katharina.boehmer@mail.example"

OPINION = OpinionTold(
    record=RECORD,
    values={FIELD: VALUE},
    said_at="2026-11-22T03:51:40.964Z",
    correlation_id="c",
    why_not="not_owner",
)
HELD = ValueTold(
    field=FIELD,
    values={FIELD: VALUE},
    rule="newest_valid",
    why="said so",
    review="",
    pinned_by="",
    opinions=(OPINION,),
)
CUSTOMER = CustomerTold(
    customer_id=PARTY,
    name="Anna Seidl",
    into="",
    version="1",
    records=(RecordTold(record=RECORD, system="salesforce", state="live"),),
    values=(HELD,),
)
REVIEW = ReviewRow(
    number=1_234,
    since="2026-11-22T03:51:40.964Z",
    owner="data-stewards",
    signature="v1:5f0c66bb8a2f4b1e",
    customer_id=PARTY,
    candidates=(OTHER,),
    bits=11.3,
    likely_household=True,
)
QUESTION = QuestionTold(
    customer_id=PARTY,
    field=FIELD,
    kind="parent_missing",
    system="salesforce",
    owner="erp",
    since="2026-11-22T03:51:40.964Z",
)


NAME = "Gesellschaft für Textilmaschinenbau und Förderanlagen mbH"
TITLE = "Salesforce of the northern branches"
TITLES = {"salesforce": TITLE}
MENTIONS = {PARTY: Mention(customer_id=PARTY, name=NAME)}


def joined(lines: list[str]) -> list[str]:
    """Each column's words as one text without spaces, however they are broken into lines."""
    rule = next(number for number, line in enumerate(lines) if line.startswith("──"))
    begins = [match.start() for match in re.finditer(r"\S+( \S+)*", lines[rule - 1])]
    ends = [*begins[1:], 80]
    return [
        "".join(line[begin:end] for line in lines[rule + 1 :]).replace(" ", "")
        for begin, end in zip(begins, ends, strict=True)
    ]


@pytest.mark.parametrize(
    ("printed", "words"),
    [
        (lambda: views.print_customer(CUSTOMER, TITLES), (FIELD, VALUE, TITLE)),
        (lambda: views.print_why(HELD), (VALUE, RECORD, "not owner")),
        (lambda: views.print_reviews([REVIEW], MENTIONS), ("1234", NAME, OTHER, "11.3")),
        (lambda: views.print_questions([QUESTION], MENTIONS, TITLES), (NAME, FIELD, "is not there yet", TITLE)),
    ],
    ids=["show", "why", "reviews", "questions"],
)
def test_nothing_is_cut_off_on_a_narrow_terminal(
    printed: Callable[[], None],
    words: tuple[str, ...],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    printed()
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) < 12, "no column is starved to a letter a line"
    columns = joined(lines)
    assert [word for word in words if not any(word.replace(" ", "") in column for column in columns)] == []
