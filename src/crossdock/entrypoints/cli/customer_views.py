"""Customers, doubts and merges in a terminal."""

from collections.abc import Sequence

from crossdock.entrypoints.cli.listing import Listing
from crossdock.entrypoints.cli.output import cell, note, say, show
from crossdock.entrypoints.entrance.customer_answers import (
    CustomerTold,
    MergeTold,
    QuestionTold,
    ReviewRow,
    ReviewTold,
    ValueTold,
)
from crossdock.identity.golden.fields import FieldValue

NO_REVIEWS = ("No customer is in doubt.",)
NO_QUESTIONS = ("Nobody disagrees about a customer.",)


def in_words(value: FieldValue) -> str:
    """A value on one line."""
    if isinstance(value, tuple | list):
        return ", ".join(map(str, value))
    return "(empty)" if value is None else str(value)


def print_customer(told: CustomerTold) -> None:
    """What holds, field by field, and by whose word."""
    say(cell(told.name or told.customer_id, "name"))
    if told.name:
        say(told.customer_id, style="quiet")
    if told.into:
        note(f"is retired: the customer is {told.into} now")
        return
    say("records: " + ", ".join(f"{each.record} ({each.state})" for each in told.records))
    rows = Listing("field", "value", "by", "rule", words=(1, 2), spare=(3,))
    for value in told.values:
        if value.is_empty:
            continue
        by = value.pinned_by or (value.opinions[0].record if value.opinions else "")
        for name, held in value.values.items() or {value.field: None}.items():
            style = "wait" if value.review else ""
            rows.add_row(cell(name), cell(in_words(held)), cell(by), cell(value.review or value.rule, style))
    show(rows)
    if empty := [value.field for value in told.values if value.is_empty]:
        note(f"empty in every record: {', '.join(empty)}")


def print_why(value: ValueTold) -> None:
    """Why a value holds, and what every record says."""
    say(value.field, style="name")
    say(value.why)
    rows = Listing("record", "says", "since", "why not", words=(0, 1, 3), spare=(2,))
    for each in value.opinions:
        said = ", ".join(in_words(held) for held in each.values.values())
        rows.add_row(cell(each.record), cell(said), cell(each.said_at), cell(each.why_not.replace("_", " ")))
    show(rows)


def print_reviews(reviews: Sequence[ReviewRow]) -> None:
    """The queue."""
    rows = Listing(
        "review",
        "customer",
        "may be",
        "bits",
        "household",
        "whose",
        "alike",
        words=(1, 2),
        numbers=(3,),
        spare=(4, 5, 6),
    )
    for each in reviews:
        rows.add_row(
            cell(each.number, "name"),
            cell(each.customer_id),
            cell(", ".join(each.candidates)),
            cell(each.bits),
            cell("likely" if each.likely_household else ""),
            cell(each.owner),
            cell(each.signature),
        )
    show(rows, NO_REVIEWS)


def print_review(told: ReviewTold) -> None:
    """The customers side by side, then the evidence."""
    state = "" if told.is_open else ", closed"
    say(f"review {told.review.number}, {told.review.owner}{state}", style="name")
    rows = Listing(
        "field",
        *(each.name or each.customer_id for each in told.customers),
        words=range(1, len(told.customers) + 1),
    )
    shown = [{n: v for value in each.values for n, v in value.values.items()} for each in told.customers]
    for name in sorted({name for each in shown for name in each}):
        held = [in_words(each.get(name)) for each in shown]
        style = "good" if len(set(held)) == 1 else ""
        rows.add_row(cell(name), *(cell(value, style) for value in held))
    show(rows)
    for weighed in told.weighed:
        household = ", likely a household member" if weighed.likely_household else ""
        say(f"{weighed.record}: {weighed.band}, {weighed.bits} bits{household}", style="name")
        for each in weighed.evidence:
            say(f"  {each.bits:+6.1f}  {each.comparison}: {each.found}")
        for flip in weighed.flips:
            note(f"  {flip}")


def print_questions(questions: Sequence[QuestionTold]) -> None:
    """Open disagreements."""
    rows = Listing("customer", "field", "what", "says otherwise", "owner", "since", words=(0, 1), spare=(4, 5))
    for each in questions:
        rows.add_row(
            *(cell(text) for text in (each.customer_id, each.field, each.kind.replace("_", " "), each.system)),
            *(cell(text) for text in (each.owner, each.since)),
        )
    show(rows, NO_QUESTIONS)


def print_merge(told: MergeTold) -> None:
    """A merge, how other systems followed, and what came of its end."""
    state = "stands" if told.stands else "was taken back"
    say(f"{told.merge_id}: {told.absorbed} into {told.survivor}, {state}", style="name")
    say(f"by {told.by} on {told.at}: {told.reason}")
    for repair in told.repairs:
        say(f"  {repair.system}: {repair.how} {repair.absorbed} → {repair.survivor}: {repair.state} {repair.code}")
    parts = {
        "restored": told.restored,
        "kept": told.kept,
        "not restorable": told.not_restorable,
        "under way": told.under_way,
    }
    for name, lines in parts.items():
        if lines:
            say(name, style="bad" if name == "not restorable" else "name")
        for line in lines:
            say(f"  {line.record} {line.field} {line.why}")
