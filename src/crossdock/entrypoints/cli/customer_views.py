"""Customers, doubts and merges in a terminal."""

from collections.abc import Mapping, Sequence

from crossdock.entrypoints.cli.listing import Listing
from crossdock.entrypoints.cli.output import cell, clock_time_of, note, plain, say, show
from crossdock.entrypoints.entrance.customer_answers import (
    QUESTION_WORDS,
    CustomerTold,
    MergeTold,
    QuestionTold,
    ReviewRow,
    ReviewTold,
    ValueTold,
)
from crossdock.entrypoints.entrance.field_words import place_of
from crossdock.entrypoints.entrance.mentions import Mention, masked_email
from crossdock.identity.golden.fields import FieldValue

NO_REVIEWS = ("No customer is in doubt.",)
NO_QUESTIONS = ("Nobody disagrees about a customer.",)


def in_words(value: FieldValue) -> str:
    """A value on one line."""
    if isinstance(value, tuple | list):
        return ", ".join(map(str, value))
    return "(empty)" if value is None else str(value)


def print_found(found: Sequence[Mention], *, whole: bool) -> None:
    """Customers that fit: who, where, and the id to go on with."""
    rows = Listing("name", "place", "e-mail", "customer", "known as", words=(0, 1, 2, 4), spare=(4,))
    for each in found:
        email = each.email if whole else masked_email(each.email)
        rows.add_row(
            cell(each.name or "(no name)", "name" if each.name else "quiet"),
            cell(each.place or "—"),
            cell(email or "—"),
            cell(each.customer_id),
            cell(" · ".join(each.numbers)),
        )
    show(rows)
    note("One in full: crossdock customers show CUSTOMER")


def print_customer(told: CustomerTold, titles: Mapping[str, str]) -> None:
    """What holds, field by field, and by whose word."""
    say(cell(told.name or told.customer_id, "name"))
    if told.name:
        say(told.customer_id, style="quiet")
    if told.into:
        note(f"is retired: the customer is {told.into} now")
        return
    for each in told.records:
        state = "" if each.state == "live" else f", {each.state}"
        say(f"  {plain(titles.get(each.system, each.system))}{state}: {plain(each.record)}")
    rows = Listing("field", "value", "by", "rule", words=(0, 1, 2), spare=(3,))
    names = {each.record: titles.get(each.system, each.system) for each in told.records}
    for value in sorted(told.values, key=lambda each: place_of(each.field)):
        if value.is_empty:
            continue
        record = value.opinions[0].record if value.opinions else ""
        by = value.pinned_by or names.get(record, record)
        fields = value.values.items() or {value.field: None}.items()
        for name, held in sorted(fields, key=lambda each: place_of(each[0])):
            style = "wait" if value.review else ""
            rows.add_row(cell(name), cell(in_words(held)), cell(by), cell(value.review or value.rule, style))
    show(rows)
    if empty := [value.field for value in told.values if value.is_empty]:
        note(f"empty in every record: {', '.join(empty)}")
    note(f"Why one holds: crossdock customers why {told.customer_id} FIELD")


def print_why(value: ValueTold) -> None:
    """Why a value holds, and what every record says."""
    say(value.field, style="name")
    say(cell(value.why))
    rows = Listing("record", "says", "since", "why not", words=(0, 1, 3), spare=(2,))
    for each in value.opinions:
        said = ", ".join(in_words(held) for held in each.values.values())
        why_not = each.why_not.replace("_", " ") or "holds"
        rows.add_row(cell(each.record), cell(said), cell(clock_time_of(each.said_at)), cell(why_not))
    show(rows, ())


def print_reviews(reviews: Sequence[ReviewRow], mentions: Mapping[str, Mention]) -> None:
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
        numbers=(0, 3),
        spare=(4, 5, 6),
    )
    for each in reviews:
        rows.add_row(
            cell(each.number, "name"),
            cell(_called(each.customer_id, mentions)),
            cell(" or ".join(_called(candidate, mentions) for candidate in each.candidates)),
            cell(f"{each.bits:.1f}"),
            cell("likely" if each.likely_household else ""),
            cell(each.owner),
            cell(each.signature),
        )
    show(rows, NO_REVIEWS)
    if reviews:
        note("One side by side, with its evidence: crossdock customers reviews REVIEW")


def print_review(told: ReviewTold) -> None:
    """The customers side by side, then the evidence."""
    state = "" if told.is_open else ", closed"
    say(f"review {told.review.number}, {told.review.owner}{state}", style="name")
    for each in told.customers:
        say(f"  {each.customer_id}  {plain(each.name)}")
    rows = Listing(
        "field",
        *(each.name or each.customer_id for each in told.customers),
        words=range(len(told.customers) + 1),
    )
    shown = [{n: v for value in each.values for n, v in value.values.items()} for each in told.customers]
    for name in sorted({name for each in shown for name in each}, key=place_of):
        held = [in_words(each.get(name)) for each in shown]
        style = "good" if len(set(held)) == 1 else ""
        rows.add_row(cell(name), *(cell(value, style) for value in held))
    show(rows)
    for weighed in told.weighed:
        household = ", likely a household member" if weighed.likely_household else ""
        say(f"{weighed.record}: {weighed.band}, {weighed.bits:+.1f} bits{household}", style="name")
        for one in weighed.evidence:
            say(f"  {one.bits:+6.1f}  {plain(one.comparison)}: {plain(one.found)}")
        for flip in weighed.flips:
            note(f"  {flip}")
    if told.is_open:
        number = told.review.number
        note(f'Decide: crossdock customers decide same {number} --reason "…", or not-same, later, assign')


def print_questions(
    questions: Sequence[QuestionTold], mentions: Mapping[str, Mention], titles: Mapping[str, str]
) -> None:
    """Open disagreements."""
    rows = Listing("customer", "field", "what", "by", "owner", "since", "id", words=(0, 1, 2, 3), spare=(4, 5, 6))
    for each in questions:
        rows.add_row(
            cell(_called(each.customer_id, mentions)),
            cell(each.field),
            cell(QUESTION_WORDS.get(each.kind, each.kind)),
            cell(titles.get(each.system, each.system)),
            cell(each.owner),
            cell(clock_time_of(each.since)),
            cell(each.customer_id),
        )
    show(rows, NO_QUESTIONS)
    if questions:
        note("Go on by its name or number: crossdock customers find TEXT")


def print_merge(told: MergeTold) -> None:
    """A merge, how other systems followed, and what came of its end."""
    state = "stands" if told.stands else "was taken back"
    say(f"{told.merge_id}: {told.absorbed} into {told.survivor}, {state}", style="name")
    say(cell(f"by {told.by} on {clock_time_of(told.at)}: {told.reason}"))
    for repair in told.repairs:
        way = f"{repair.absorbed} → {repair.survivor}"
        say(f"  {plain(f'{repair.system}: {repair.how} {way}: {repair.state} {repair.code}')}")
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
            say(f"  {plain(f'{line.record} {line.field} {line.why}')}")


def _called(customer_id: str, mentions: Mapping[str, Mention]) -> str:
    known = mentions.get(customer_id)
    return known.words if known else customer_id
