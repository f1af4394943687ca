"""What the API, the console and the command line tell of customers, apart from the model it is made of."""

from collections.abc import Mapping

import msgspec

from crossdock.identity.golden.fields import FieldValue
from crossdock.identity.golden.joining import Line, Merge, Unmerged
from crossdock.identity.golden.ledger import OpenQuestion, PartyEvent, record_key
from crossdock.identity.golden.spreading import golden_fields
from crossdock.identity.golden.survivorship import GoldenValue, Opinion
from crossdock.identity.recognition.index import Weighed
from crossdock.identity.recognition.reviews import Review
from crossdock.kit.clock import iso
from crossdock.processes.customer_stewardship import Customer, Doubt

_NAME_PARTS = ("given", "middle", "family", "suffix")


class OpinionTold(msgspec.Struct, frozen=True, kw_only=True):
    """What one record says about a field or group; `why_not` where it does not hold."""

    record: str
    values: dict[str, FieldValue]
    said_at: str
    correlation_id: str
    why_not: str


class ValueTold(msgspec.Struct, frozen=True, kw_only=True):
    """What holds of one field or group, and why: the rule, a sentence, and what every record says."""

    field: str
    values: dict[str, FieldValue]
    rule: str
    why: str
    review: str
    pinned_by: str
    opinions: tuple[OpinionTold, ...]

    @property
    def is_empty(self) -> bool:
        """Whether nobody says a value of it, and no person has decided on it or has to."""
        said = [*self.values.values(), *(held for each in self.opinions for held in each.values.values())]
        return not (self.review or self.pinned_by or any(held is not None for held in said))


class RecordTold(msgspec.Struct, frozen=True, kw_only=True):
    """A record of the customer in a system."""

    record: str
    system: str
    state: str


class CustomerTold(msgspec.Struct, frozen=True, kw_only=True):
    """A customer. `into`: this id is retired, and the customer is that one now. `version` is for `If-Match`.

    `name` is what people call him, as it holds, else his e-mail address; empty where nobody says either.
    """

    customer_id: str
    name: str
    into: str
    version: str
    records: tuple[RecordTold, ...]
    values: tuple[ValueTold, ...]


class CustomersFound(msgspec.Struct, frozen=True, kw_only=True):
    """Ids of customers that fit, the most likely first."""

    customers: tuple[str, ...]


class HappeningTold(msgspec.Struct, frozen=True, kw_only=True):
    """One line of a customer's history."""

    at: str
    what: str
    record: str
    fields: tuple[str, ...]
    correlation_id: str


class HistoryTold(msgspec.Struct, frozen=True, kw_only=True):
    """A customer's history, newest first; `next` is the address of the page behind it."""

    history: tuple[HappeningTold, ...]
    next: str


class EvidenceTold(msgspec.Struct, frozen=True, kw_only=True):
    """What was found by one comparison, and its bits for (or against) a match."""

    comparison: str
    found: str
    bits: float


class WeighedTold(msgspec.Struct, frozen=True, kw_only=True):
    """One candidate, and why he may be the same. `flips`: what would have led to another band.

    `bits` are those of the evidence and `prior_bits`, which stand before anything is compared.
    """

    customer_id: str
    record: str
    band: str
    bits: float
    prior_bits: float
    rule: str
    likely_household: bool
    evidence: tuple[EvidenceTold, ...]
    flips: tuple[str, ...]


class ReviewRow(msgspec.Struct, frozen=True, kw_only=True):
    """A doubt in the queue."""

    number: int
    since: str
    owner: str
    signature: str
    customer_id: str
    candidates: tuple[str, ...]
    bits: float
    likely_household: bool


class ReviewList(msgspec.Struct, frozen=True, kw_only=True):
    """Open doubts, oldest first; `next` is the address of the page behind it."""

    reviews: tuple[ReviewRow, ...]
    next: str


class ReviewTold(msgspec.Struct, frozen=True, kw_only=True):
    """A doubt with the customers side by side: first who is in doubt, then whom he may be one with."""

    review: ReviewRow
    is_open: bool
    weighed: tuple[WeighedTold, ...]
    customers: tuple[CustomerTold, ...]


class WordTaken(msgspec.Struct, frozen=True, kw_only=True):
    """A word was taken; `merge_id` is that of the merge which it began."""

    merge_id: str = ""


class WordsTaken(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a word about many reviews: taken, or the code of why not, by number."""

    taken: tuple[int, ...]
    not_taken: dict[str, str]


class AlikeTold(msgspec.Struct, frozen=True, kw_only=True):
    """Open doubts with equal evidence."""

    signature: str
    count: int
    first: int


class AlikeList(msgspec.Struct, frozen=True, kw_only=True):
    """Causes of doubt, the most frequent first."""

    alike: tuple[AlikeTold, ...]


QUESTION_WORDS: Mapping[str, str] = {
    "cannot_know": "nobody can know which word is newer",
    "merge": "a system took two customers for one",
    "not_kept": "its record makes something else of it",
    "nothing_valid": "nobody says anything valid",
    "parent_missing": "whom it belongs to is not there yet",
    "proposed": "another value is proposed to its owner",
    "refused": "it is not theirs to say",
}
"""What is asked, in words for people."""


HAPPENED_WORDS: Mapping[str, str] = {
    "changed": "says something else",
    "decided": "a person decided",
    "deleted": "was deleted",
    "golden": "what holds changed",
    "held": "legal hold",
    "linked": "belongs to this customer",
    "live": "is back",
    "parted": "taken apart",
    "released": "legal hold lifted",
    "told": "the hub wrote there",
}
"""What happened to a customer or a record, in words for people; other words stand for themselves."""


class QuestionTold(msgspec.Struct, frozen=True, kw_only=True):
    """A disagreement about a field of a customer, and since when."""

    customer_id: str
    field: str
    kind: str
    system: str
    owner: str
    since: str


class QuestionList(msgspec.Struct, frozen=True, kw_only=True):
    """Open disagreements, oldest first; `next` is the address of the page behind it."""

    questions: tuple[QuestionTold, ...]
    next: str


class MergeTold(msgspec.Struct, frozen=True, kw_only=True):
    """A merge: who, by whom and why, how other systems followed, and what came of its end."""

    merge_id: str
    survivor: str
    absorbed: str
    at: str
    by: str
    reason: str
    stands: bool
    records: tuple[str, ...]
    repairs: tuple["RepairTold", ...]
    restored: tuple[Line, ...]
    kept: tuple[Line, ...]
    not_restorable: tuple[Line, ...]
    under_way: tuple[Line, ...]


class RepairTold(msgspec.Struct, frozen=True, kw_only=True):
    """What a merge did about two records of a system, and how that went."""

    system: str
    survivor: str
    absorbed: str
    how: str
    state: str
    code: str


def version_of(customer: Customer) -> str:
    """An entity tag: it is another after every change."""
    return f'"{customer.file.sequence}"'


def customer_told(customer: Customer) -> CustomerTold:
    """A customer for others."""
    return CustomerTold(
        customer_id=customer.file.party_id,
        name=name_of(customer.values),
        into=customer.file.into,
        version=version_of(customer),
        records=tuple(
            RecordTold(record=record_key(each.reference), system=each.reference.system, state=each.state)
            for each in customer.file.records
        ),
        values=tuple(_value(each) for each in customer.values.values()),
    )


def name_of(values: Mapping[str, GoldenValue]) -> str:
    """What people call a customer, as it holds, else the e-mail address; empty where nobody says either."""
    held = golden_fields(values)
    person = " ".join(str(part) for name in _NAME_PARTS if (part := held.get(f"person.name.{name}")))
    company = company_of(values)
    first, second = (person, company) if held.get("kind") == "person" else (company, person)
    return str(first or second or held.get("contact.email") or "")


def company_of(values: Mapping[str, GoldenValue]) -> str:
    """What a company is called, which tells of nobody; empty for a person."""
    held = golden_fields(values)
    return str(held.get("organisation.name") or held.get("organisation.legal_name") or "")


def _value(value: GoldenValue) -> ValueTold:
    opinions = [*([value.winner] if value.winner else []), *value.losers]
    return ValueTold(
        field=value.unit,
        values=dict(value.values),
        rule=value.rule,
        why=value.why(),
        review=value.review,
        pinned_by=value.pin.by if value.pin else "",
        opinions=tuple(map(_opinion, opinions)),
    )


def _opinion(opinion: Opinion) -> OpinionTold:
    return OpinionTold(
        record=record_key(opinion.record),
        values=dict(opinion.values),
        said_at=iso(opinion.counted_at),
        correlation_id=opinion.correlation_id,
        why_not=opinion.why_not,
    )


def happening_told(event: PartyEvent) -> HappeningTold:
    """A line of a history."""
    return HappeningTold(
        at=iso(event.at),
        what=event.what,
        record=event.record,
        fields=event.fields,
        correlation_id=event.correlation_id,
    )


def review_row(review: Review) -> ReviewRow:
    """A doubt for a list."""
    best = review.finding.weighed[0].decision if review.finding.weighed else None
    return ReviewRow(
        number=review.number,
        since=iso(review.at),
        owner=review.owner,
        signature=review.signature,
        customer_id=review.finding.party_id,
        candidates=review.finding.doubtful,
        bits=round(best.weight, 1) if best else 0.0,
        likely_household=bool(best and best.likely_household),
    )


def review_told(doubt: Doubt) -> ReviewTold:
    """A doubt, whole."""
    return ReviewTold(
        review=review_row(doubt.review),
        is_open=doubt.review.is_open,
        weighed=tuple(map(weighed_told, doubt.review.finding.weighed)),
        customers=tuple(map(customer_told, doubt.customers)),
    )


def weighed_told(one: Weighed) -> WeighedTold:
    """A candidate with its evidence, strongest first."""
    evidence = sorted(one.decision.evidence, key=lambda each: -abs(each.weight))
    return WeighedTold(
        customer_id=one.party_id,
        record=one.record,
        band=one.decision.band,
        bits=round(one.decision.weight, 1),
        prior_bits=round(one.decision.prior, 1),
        rule=one.decision.rule,
        likely_household=one.decision.likely_household,
        evidence=tuple(
            EvidenceTold(comparison=each.comparison, found=each.found, bits=round(each.weight, 1))
            for each in evidence
        ),
        flips=tuple(
            f"{each.comparison}: {each.found} would have made it {each.band}" for each in one.decision.flips
        ),
    )


def question_told(asked: OpenQuestion) -> QuestionTold:
    """A disagreement for a list."""
    return QuestionTold(
        customer_id=asked.party_id,
        field=asked.question.unit,
        kind=asked.question.kind,
        system=asked.question.system,
        owner=asked.question.to,
        since=iso(asked.since),
    )


def merge_told(merge: Merge, end: Unmerged) -> MergeTold:
    """A merge, and what came of its end."""
    return MergeTold(
        merge_id=merge.merge_id,
        survivor=merge.survivor,
        absorbed=merge.absorbed,
        at=iso(merge.at),
        by=merge.by,
        reason=merge.reason,
        stands=merge.stands,
        records=merge.moved,
        repairs=tuple(
            RepairTold(
                system=each.system,
                survivor=record_key(each.survivor),
                absorbed=record_key(each.absorbed),
                how=each.how,
                state=each.state,
                code=each.code,
            )
            for each in merge.repairs
        ),
        restored=end.restored,
        kept=end.kept,
        not_restorable=end.not_restorable,
        under_way=end.under_way,
    )
