"""The shape of a change event: which fields it has, in which order, and which are grouped into compounds."""

import msgspec

from crossdock.adapters.salesforce.simulator.tables.schema import Field, SObject

_LEFT_OUT = frozenset({"Id", "IsDeleted", "SystemModstamp", "MasterRecordId"})
HEADER_FIELD = "ChangeEventHeader"


class Part(msgspec.Struct, frozen=True):
    """One value in an event: `name` is what Avro calls it, `field` is where the row keeps it."""

    name: str
    field: Field


class Entry(msgspec.Struct, frozen=True):
    """One top-level field of the event: plain (one part of the same name) or compound (several parts).

    `plain` is set where the compound may also come as one text: the name of an account is a text or a person's.
    """

    name: str
    parts: tuple[Part, ...]
    compound: bool = False
    plain: Field | None = None


def layout(sobject: SObject) -> tuple[Entry, ...]:
    """The entries of an object's change event, after the header, in the order of its metadata."""
    entries: list[Entry] = []
    done: set[str] = set()
    for field in sobject.fields.values():
        if field.name in _LEFT_OUT:
            continue
        compound = field.name if field.name in sobject.compounds else field.compound
        if not compound:
            entries.append(Entry(field.name, (Part(field.name, field),)))
        elif compound not in done and not (field.calculated and field.name == compound):
            done.add(compound)
            prefix = compound.removesuffix("Address") if compound.endswith("Address") else ""
            parts = [Part(part.name.removeprefix(prefix), part) for part in sobject.compounds[compound]]
            plain = field if field.name == compound else None
            entries.append(Entry(compound, tuple(parts), compound=True, plain=plain))
    return tuple(entries)


def bitmap(entries: tuple[Entry, ...], names: set[str]) -> list[str]:
    """Row fields as the header writes them: a bitmap over the event's fields, one more per compound touched.

    Bit 0 is the header itself. Digits are upper case and whole bytes, as the vendor's decoders expect.
    """
    top = 0
    nested: list[str] = []
    for index, entry in enumerate(entries, start=1):
        if not entry.compound:
            top |= (entry.name in names) << index
            continue
        bits = sum((part.field.name in names) << position for position, part in enumerate(entry.parts))
        if bits:
            nested.append(f"{index}-{_hex(bits)}")
        elif entry.plain is not None:
            top |= (entry.name in names) << index
    return [_hex(top), *nested] if top or nested else []


def _hex(bits: int) -> str:
    digits = f"{bits:X}"
    return "0x" + digits.rjust(len(digits) + len(digits) % 2, "0")
