"""The verdict on customers is worth something: each promise that is broken on purpose is found broken."""

from copy import deepcopy
from typing import Any

import pytest
from msgspec.structs import replace

from crossdock.entrypoints.cli.demo import people
from crossdock.entrypoints.cli.demo.books import Listed
from crossdock.entrypoints.cli.demo.customer_verdict import (
    DOUBT,
    ONBOARDING,
    OWNERSHIP,
    RECOGNITION,
    CustomerEvidence,
    Doubtful,
    Onboarded,
    Owned,
    Shown,
    judge_customers,
)

COMPANY = Listed(
    number="201", name=people.COMPANY_NAME, emails=(people.COMPANY_EMAIL,), terms=people.APPROVED_TERMS
)
PERSON = Listed(number="202", name=people.PERSON_NAME, emails=(people.PERSON_EMAIL.upper(),))
OF_OLD = Listed(number="C-1", name="Old", emails=("old@example.com",), terms=people.OTHER_TERMS, street="Quay 1")
FIRST = Listed(number="203", name=people.TWO_NAME, emails=(people.TWO_EMAILS[0],))
SECOND = Listed(number="204", name=people.TWO_NAME, emails=(people.TWO_EMAILS[1],))
LISTED = (COMPANY, PERSON, OF_OLD, FIRST, SECOND)
GOOD = CustomerEvidence(
    erp="the ERP",
    decides=True,
    onboarded=Onboarded(
        while_pending=Shown(number="201", status="provisional", credit="pending"),
        approved_by="anna",
        before="refused: credit-pending",
        after="accepted",
        at_last=Shown(number="201", status="active", credit="approved", terms=people.APPROVED_TERMS),
    ),
    person=Shown(number="202"),
    owned=Owned(
        number="C-1",
        street="Quay 1",
        shown_after_finance=people.OTHER_TERMS,
        kept=("refused", "proposed"),
        at_last=Shown(number="C-1", terms=people.OTHER_TERMS, street="Quay 1"),
    ),
    doubtful=Doubtful(review=7, bits=2.4, while_open=1, decided_by="ben", at_last=Shown(number="204")),
    listed=LISTED,
)
ONCE, CREDIT, ONE = "a company numbered once", "no invoice without credit", "one person, one customer"
TERMS, OWNER, DOUBTS = "terms reach Salesforce", "nothing overwritten or lost", "in doubt a person decides"


def changed(part: str = "", **values: Any) -> CustomerEvidence:
    """The good evidence with other values, of a part or of all."""
    evidence = deepcopy(GOOD)
    if not part:
        return replace(evidence, **values)
    return replace(evidence, **{part: replace(getattr(evidence, part), **values)})


def listing(*listed: Listed) -> CustomerEvidence:
    return changed(listed=listed)


BROKEN: dict[str, tuple[CustomerEvidence, set[str]]] = {
    "a company twice": (listing(*LISTED, replace(COMPANY, number="209")), {ONCE}),
    "a company nobody made": (listing(*LISTED[1:]), {ONCE, CREDIT}),
    "another number in Salesforce": (
        changed("onboarded", at_last=replace(GOOD.onboarded.at_last, number="9")),
        {ONCE},
    ),
    "not shown as provisional": (changed("onboarded", while_pending=Shown(status="active")), {CREDIT}),
    "an order taken without credit": (changed("onboarded", before="accepted"), {CREDIT}),
    "an order refused with credit": (changed("onboarded", after="refused: credit-pending"), {CREDIT}),
    "an approval Salesforce does not show": (
        changed("onboarded", at_last=replace(GOOD.onboarded.at_last, credit="pending")),
        {CREDIT},
    ),
    "terms the ERP was not told": (listing(replace(COMPANY, terms=""), *LISTED[1:]), {CREDIT}),
    "a person twice": (listing(*LISTED, replace(PERSON, number="209", emails=(people.PERSON_EMAIL,))), {ONE}),
    "a person without number": (changed(person=Shown()), {ONE}),
    "terms not told": (changed("owned", shown_after_finance="Net 30 days"), {TERMS}),
    "a rep's terms in the ERP": (
        listing(*LISTED[:2], replace(OF_OLD, terms=people.TYPED_TERMS), FIRST, SECOND),
        {OWNER},
    ),
    "a rep's address in the ERP": (
        listing(*LISTED[:2], replace(OF_OLD, street=people.TYPED_STREET), FIRST, SECOND),
        {OWNER},
    ),
    "a rep's terms left in Salesforce": (
        changed("owned", at_last=Shown(terms=people.TYPED_TERMS, street="Quay 1")),
        {OWNER},
    ),
    "a rep's word lost": (changed("owned", kept=("refused",)), {OWNER}),
    "made in the ERP while in doubt": (changed("doubtful", while_open=2), {DOUBTS}),
    "not made after the decision": (listing(*LISTED[:4]), {DOUBTS}),
    "nobody decided": (replace(changed("doubtful", decided_by=""), listed=LISTED[:4]), {DOUBTS}),
    "without number after the decision": (changed("doubtful", at_last=Shown()), {DOUBTS}),
    "a thread of it that never ended": (changed(missed={DOUBT: "the ERP to have both"}), {DOUBTS}),
    "onboarding that never ended": (changed(missed={ONBOARDING: "a review"}), {ONCE, CREDIT}),
    "recognition that never ended": (changed(missed={RECOGNITION: "both to be one"}), {ONE}),
    "ownership that never ended": (changed(missed={OWNERSHIP: "the new terms"}), {TERMS, OWNER}),
}


def broken_promises(evidence: CustomerEvidence) -> set[str]:
    return {promise.name for promise in judge_customers(evidence) if not promise.held}


def test_a_good_day_keeps_every_promise_to_customers() -> None:
    assert broken_promises(GOOD) == set()


def test_a_doubt_that_is_left_to_the_visitor_is_no_broken_promise() -> None:
    left = replace(changed("doubtful", decided_by="", at_last=Shown()), decides=False, listed=LISTED[:4])
    assert broken_promises(left) == set()
    assert broken_promises(replace(left, listed=LISTED)) == {DOUBTS}


@pytest.mark.parametrize("case", BROKEN)
def test_a_broken_promise_to_customers_is_found(case: str) -> None:
    evidence, expected = BROKEN[case]
    assert broken_promises(evidence) == expected
