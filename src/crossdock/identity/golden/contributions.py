"""What each record of each system has said, field by field, and what it shows as far as the hub knows (CUS-19).

Nothing is overwritten by anybody but the record itself. Two things are kept apart, and that is what stops loops:
what a record *said* of its own accord, and what it *shows* because the hub wrote it there. A value that comes back
to us as we wrote it is an echo and nobody's opinion (pain 13).
"""

import unicodedata
from collections.abc import Mapping
from typing import Literal

import msgspec
from msgspec.structs import replace

from crossdock.canonical.party import ExternalReference
from crossdock.identity.golden.fields import Fields, FieldValue, field_of
from crossdock.identity.golden.forms import TOLD_MAX, Kept, is_same_form
from crossdock.kit.clock import MICROSECONDS, Instant

CLOCK_AHEAD_US_MAX = 86_400 * MICROSECONDS


class Held(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One field of one record.

    `said` is its own latest statement, where `sequence` is not 0: `said_at` by its own clock, `arrived_at` by
    ours, `counted_at` which of the two we go by. `saw` is the sequence up to which the hub had told it what others
    said when it said so. `shown` is the value there as far as we know. `told` is the sequence of the latest
    write there by this hub or another, 0 if there was none; `told_by` is the mark of another whose it is. `kept`
    is what the record made of what this hub told it.
    """

    field: str
    said: FieldValue = None
    said_at: Instant = 0
    counted_at: Instant = 0
    arrived_at: Instant = 0
    sequence: int = 0
    saw: int = 0
    correlation_id: str = ""
    origin: str = ""
    shown: FieldValue = None
    told: int = 0
    told_by: str = ""
    heard_until: Instant = 0
    shown_until: Instant = 0
    kept: Kept | None = None

    @property
    def has_said(self) -> bool:
        """Whether the record has an opinion of its own."""
        return self.sequence > 0

    def agrees(self, value: FieldValue) -> bool:
        """Whether the record shows this, or what it makes of it whenever it is told."""
        kept = self._kept_of(value)
        return value == self.shown or (kept is not None and (kept.is_for_good or self._is_alike(value)))

    def is_another_form(self, value: FieldValue) -> bool:
        """Whether the record shows this as it writes it: the same but for case, blanks and signs."""
        return self._kept_of(value) is not None and self._is_alike(value)

    def insists(self, value: FieldValue) -> bool:
        """Whether the record shows something else again and again, however often it is told this."""
        kept = self._kept_of(value)
        return kept is not None and kept.times >= TOLD_MAX and not self._is_alike(value)

    def _kept_of(self, value: FieldValue) -> Kept | None:
        kept = self.kept
        return kept if kept is not None and (kept.told, kept.shown) == (value, self.shown) else None

    def _is_alike(self, value: FieldValue) -> bool:
        return is_same_form(self.field, value, self.shown)


RecordState = Literal["deleted", "live", "merged", "parting"]


class HeldRecord(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A record that belongs to a party, with its fields. Only a live one counts; the others can come back.

    `parting`: the hub is setting it free of another one, and nothing takes its place meanwhile.
    """

    reference: ExternalReference
    state: RecordState = "live"
    version: str = ""
    fields: Mapping[str, Held] = {}


class Statement(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a record says now. `from_hub`: a hub's mark is on it, so it is no opinion of the record's system.

    `from_us`: the mark is this hub's. By so much as `tolerance_us` the clock of `counted_at` may be behind ours.
    `was_read`: the hub looked, so its time is ours, and nothing that the record's clock said can be compared with
    it. `is_word`: what it shows is its word also where a hub wrote it, for the system alone decides on that.
    `unset` are fields that look as they do where nobody ever said anything: a word only where the record is known
    to have looked otherwise.
    """

    fields: Fields
    said_at: Instant
    counted_at: Instant
    arrived_at: Instant
    correlation_id: str = ""
    origin: str = ""
    from_hub: bool = False
    from_us: bool = False
    was_read: bool = False
    is_word: bool = False
    tolerance_us: int = 0
    unset: tuple[str, ...] = ()


class Taken(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What became of each field of a statement: new, no word (known, echo, unset), or older than what is known."""

    stated: tuple[str, ...] = ()
    echoed: tuple[str, ...] = ()
    stale: tuple[str, ...] = ()


def counted_at(said_at: Instant, arrived_at: Instant, tolerance_us: int) -> Instant:
    """When a statement counts as made: by its source's clock, unless that runs so far ahead that it must be wrong.

    A clock that is behind cannot be told from a message that was long under way; that is what the tolerance is for
    when two statements are compared (pain 15).
    """
    return said_at if said_at <= arrived_at + tolerance_us else arrived_at


def plain(value: FieldValue) -> FieldValue:
    """A value as it is compared: composed letters (NFC), single blanks, none around; a text of blanks is empty."""
    if isinstance(value, str):
        return " ".join(unicodedata.normalize("NFC", value).replace("\x00", "").split()) or None
    if isinstance(value, list | tuple):
        return tuple(str(part) for each in value if (part := plain(each))) or None
    return value


def plain_fields(fields: Fields) -> dict[str, FieldValue]:
    """The same for a whole statement. Raises Invalid for a name that is no field."""
    for name in fields:
        field_of(name)
    return {name: plain(value) for name, value in fields.items()}


def take(known: Mapping[str, Held], statement: Statement, sequence: int) -> tuple[Mapping[str, Held], Taken]:
    """The rows that a statement changes, and what became of each of its fields.

    The same statement again changes nothing, and neither does one that the record itself has overtaken.
    """
    changed: dict[str, Held] = {}
    stated, echoed, stale = [], [], []
    for name, value in statement.fields.items():
        before = known.get(name) or Held(field=name)
        if name in known and value == before.shown and not (statement.is_word and value != before.said):
            after = _renewed(before, statement)
            echoed.append(name)
        elif name in statement.unset and name not in known:
            after = _renewed(replace(before, shown=value), statement)
            echoed.append(name)
        elif statement.from_hub:
            after = _written(before, statement, value, sequence)
            echoed.append(name)
        elif _is_older(statement, before.heard_until):
            after = before
            stale.append(name)
        else:
            after = _stated(before, statement, value, sequence)
            stated.append(name)
        if after != before:
            changed[name] = after
    return changed, Taken(stated=tuple(stated), echoed=tuple(echoed), stale=tuple(stale))


def _written(before: Held, statement: Statement, value: FieldValue, sequence: int) -> Held:
    """What a hub wrote there, unless the record is known to have shown another value since."""
    if _is_older(statement, before.shown_until):
        return before
    kept = _kept(before, value) if statement.from_us else before.kept
    return _renewed(replace(before, shown=value, told=sequence, told_by=statement.origin, kept=kept), statement)


def _kept(before: Held, value: FieldValue) -> Kept | None:
    """What the record made of what we told it last, as it comes back with our mark; counted once for each telling.

    Of what the record said since, or another hub wrote, it cannot have been made.
    """
    last = before.kept
    if last is not None and last.shown == before.shown and before.told > before.sequence:
        told = last.told
    elif before.told_by or before.told <= before.sequence:
        return last
    else:
        told = before.shown
    if last is None or (last.told, last.shown) != (told, value):
        return Kept(told, value)
    return Kept(told, value, last.times + (last.times > 0 and not before.told_by))


def _stated(before: Held, statement: Statement, value: FieldValue, sequence: int) -> Held:
    """What the record says now. Where a hub is known to have written there since, it does not show it any more."""
    written_over = _is_older(statement, before.shown_until)
    return _renewed(
        replace(
            before,
            said=value,
            said_at=statement.said_at,
            counted_at=statement.counted_at,
            arrived_at=statement.arrived_at,
            sequence=sequence,
            saw=before.saw if written_over else _saw(before, statement),
            correlation_id=statement.correlation_id,
            origin=statement.origin,
            shown=before.shown if written_over else value,
            told_by=before.told_by if written_over else "",
        ),
        statement,
    )


def _is_older(statement: Statement, known_until: Instant) -> bool:
    """One clock agrees with itself, also where it is wrong."""
    return not statement.was_read and statement.said_at < known_until


def _renewed(held: Held, statement: Statement) -> Held:
    """Until when we know the record by its own clock.

    One that is ahead by more than a day is not believed: nothing would be news until that time has come.
    """
    if not known_until(statement):
        return held
    return replace(
        held,
        heard_until=held.heard_until if statement.from_hub else max(held.heard_until, statement.said_at),
        shown_until=max(held.shown_until, statement.said_at),
    )


def known_until(statement: Statement) -> Instant:
    """Until when a record is known by its own clock once it has said this; 0 where its time can't be gone by."""
    too_far_ahead = statement.said_at > statement.arrived_at + CLOCK_AHEAD_US_MAX
    return 0 if statement.was_read or too_far_ahead else statement.said_at


def _saw(before: Held, statement: Statement) -> int:
    """What the record had been told when it said this; a message that was long under way knew nothing of it.

    A sequence is never before the hub's own time, in microseconds, so the two can be compared.
    """
    return before.told if before.told <= statement.counted_at + statement.tolerance_us else before.saw


def tell(
    known: Mapping[str, Held],
    fields: Fields,
    sequence: int,
    *,
    kept: Fields | None = None,
    since: int = 0,
    mark: str = "",
) -> Mapping[str, Held]:
    """The rows after the hub wrote these fields: shown there now, and no opinion of the record's.

    `kept` is what the system said it made of some of them. What came back with our `mark` after `since` (the
    sequence by which we knew the record when we wrote), the same in another form, came of this write.
    """
    rows = {}
    for name, value in fields.items():
        before = known.get(name) or Held(field=name)
        shown, times = value, 0
        if kept is not None and name in kept:
            shown, times = kept[name], 0
        elif mark and before.told_by == mark and before.told > since:
            shown, times = (before.shown, 1) if is_same_form(name, value, before.shown) else (value, 0)
        made = Kept(value, shown, times) if shown != value else before.kept
        rows[name] = replace(before, shown=shown, told=sequence, told_by="", kept=made)
    return rows
