"""A customer as a page lays him out: fields under headings, and by each field which record says so."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from itertools import groupby
from typing import Literal

import msgspec

from crossdock.entrypoints.entrance.customer_answers import CustomerTold, MergeTold, OpinionTold, ValueTold
from crossdock.entrypoints.entrance.field_words import field_in_words, place_of, section_of
from crossdock.entrypoints.entrance.mentions import TAIL_CHARACTERS
from crossdock.identity.golden.fields import FieldValue
from crossdock.identity.golden.survivorship import WHY_NOT_WORDS
from crossdock.kit.clock import Instant, from_datetime

Said = Literal["holds", "agrees", "differs", "silent"]
VOICE_WORDS: Mapping[Said, str] = {
    "holds": "it says what holds",
    "agrees": "it says the same",
    "differs": "it says something else",
    "silent": "it says nothing",
}
COLUMNS_MAX = 4
"""Of more records than these, a table has no column for each."""

_WHY: Mapping[str, str] = {
    "owner": "{} owns this",
    "precedence": "{} comes first in the list",
    "newest_valid": "{} said it last",
    "most_trusted": "{} is trusted most",
    "initial": "{} said it, and the owner has not spoken yet",
}
_REVIEWS = {
    "cannot_know": "nobody can know which word is newer: decide below",
    "nothing_valid": "nobody says anything valid: decide below",
}


class Voice(msgspec.Struct, frozen=True, kw_only=True):
    """What one record says about a field; `why_not` in words."""

    record: str
    title: str
    said: Said
    values: tuple[FieldValue, ...] = ()
    why_not: str = ""
    at: Instant = 0


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One field or group: its parts as they hold, why in short, and a voice for every record of the customer."""

    field: str
    words: str
    parts: tuple[tuple[str, FieldValue], ...]
    why: str
    sentence: str
    asks: bool
    pinned_by: str
    is_single: bool
    voices: tuple[Voice, ...]

    @property
    def heard(self) -> list[Voice]:
        """Who says something, first what holds."""
        order: tuple[Said, ...] = ("holds", "agrees", "differs")
        return sorted(
            (each for each in self.voices if each.said in order), key=lambda each: order.index(each.said)
        )


def sections_of(values: Iterable[ValueTold], records: Mapping[str, str]) -> list[tuple[str, list[Row]]]:
    """Rows under the headings that people look under; `records` are the customer's, by name, with their titles."""
    rows = [row_of(value, records) for value in sorted(values, key=lambda each: place_of(each.field))]
    return [(words, list(under)) for words, under in groupby(rows, key=lambda row: section_of(row.field))]


def row_of(value: ValueTold, records: Mapping[str, str]) -> Row:
    """One field or group."""
    single = value.field in value.values
    parts = [
        ("" if name == value.field else _part(name, value.field), held)
        for name, held in _in_order(value.values)
        if held is not None or single
    ]
    by_record = {each.record: each for each in value.opinions}
    names = dict.fromkeys((*records, *by_record))
    return Row(
        field=value.field,
        words=field_in_words(value.field),
        parts=tuple(parts),
        why=_why(value, records),
        sentence=value.why,
        asks=bool(value.review),
        pinned_by=value.pinned_by,
        is_single=single,
        voices=tuple(_voice(name, records.get(name, name), by_record.get(name), value) for name in names),
    )


def titles_of(customer: CustomerTold, titles: Mapping[str, str]) -> dict[str, str]:
    """What to call each record of a customer: `Memory ERP BP-00008`."""
    return {each.record: record_in_words(each.record, titles) for each in customer.records}


def record_in_words(record: str, titles: Mapping[str, str]) -> str:
    """A record as people know it; a customer's id by its end."""
    system, _, rest = record.partition("/")
    if rest:
        return f"{titles.get(system, system)} {rest.partition('/')[2] or rest}"
    return f"customer …{record[-TAIL_CHARACTERS:]}" if record else ""


def parted(customer: CustomerTold, merge: MergeTold) -> list[tuple[str, str, str, str]]:
    """Where the two sides of a merge say different things: field, what each says, and which one holds."""
    moved, found = set(merge.records), []
    for value in sorted(customer.values, key=lambda each: place_of(each.field)):
        sides = [[each for each in value.opinions if (each.record in moved) is side] for side in (False, True)]
        if not all(sides) or sides[0][0].values == sides[1][0].values:
            continue
        kept, joined = (_text(side[0].values) for side in sides)
        holds = next((("kept", "joined")[side] for side in (0, 1) if not sides[side][0].why_not), "")
        found.append((field_in_words(value.field), kept, joined, holds))
    return found


def _why(value: ValueTold, records: Mapping[str, str]) -> str:
    if value.pinned_by:
        return f"{value.pinned_by} decided so"
    if value.review:
        return _REVIEWS[value.review]
    winner = next((each for each in value.opinions if not each.why_not), None)
    if winner is None or value.rule not in _WHY:
        return "nobody whose word counts has said anything"
    title = records.get(winner.record, winner.record)
    return _WHY[value.rule].format(title)


def _voice(record: str, title: str, opinion: OpinionTold | None, value: ValueTold) -> Voice:
    if opinion is None or all(held is None for held in opinion.values.values()):
        return Voice(record=record, title=title, said="silent")
    same = _filled(opinion.values) == _filled(value.values)
    said: Said = "holds" if not opinion.why_not else "agrees" if same else "differs"
    return Voice(
        record=record,
        title=title,
        said=said,
        values=tuple(held for _, held in _in_order(opinion.values) if held is not None),
        why_not=WHY_NOT_WORDS.get(opinion.why_not, opinion.why_not),
        at=from_datetime(datetime.fromisoformat(opinion.said_at)),
    )


def _filled(values: Mapping[str, FieldValue]) -> dict[str, FieldValue]:
    return {name: held for name, held in values.items() if held is not None}


def _in_order(values: Mapping[str, FieldValue]) -> list[tuple[str, FieldValue]]:
    return sorted(values.items(), key=lambda each: place_of(each[0]))


def _part(name: str, unit: str) -> str:
    return name.removeprefix(f"{unit}.").replace("_", " ")


def _text(values: Mapping[str, FieldValue]) -> str:
    held = [value for _, value in _in_order(values) if value is not None]
    said = [", ".join(each) if isinstance(each, tuple) else str(each) for each in held]
    return ", ".join(said) or "nothing"
