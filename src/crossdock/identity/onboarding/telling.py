"""What a new company's systems say of it, what the ERP is told of that, and what counts as the ERP's word after.

Before the ERP knows a company, it has said nothing, also of what is its own to say. So a field that nobody owns a
word on yet is taken as its systems tell it; once the ERP has the company, what it shows of its own fields is its
word (CUS-05, CUS-10, CUS-17).
"""

from collections.abc import Mapping, Sequence

from crossdock.identity.golden.contributions import Held, HeldRecord, plain_fields
from crossdock.identity.golden.fields import Fields, FieldValue, group_of
from crossdock.identity.golden.forms import other_forms
from crossdock.identity.golden.ownership import Ownership
from crossdock.identity.golden.survivorship import GoldenValue

DECIDED_LATER = ("account.status", "credit.", "terms.")
"""What a company may ask for and somebody else decides."""


def told_fields(records: Sequence[HeldRecord], values: Mapping[str, GoldenValue]) -> dict[str, FieldValue]:
    """What holds, and where nothing does yet, the latest that a living record says of that field or group."""
    told = {name: value for each in values.values() for name, value in each.values.items()}
    holding = {unit for unit, value in values.items() if any(each is not None for each in value.values.values())}
    latest: dict[str, tuple[tuple[int, int], dict[str, FieldValue]]] = {}
    for record in records:
        if record.state != "live":
            continue
        units: dict[str, list[Held]] = {}
        for held in record.fields.values():
            if held.has_said and held.said is not None:
                units.setdefault(group_of(held.field), []).append(held)
        for unit, said in units.items():
            age = max((held.counted_at, held.sequence) for held in said)
            if unit not in holding and (unit not in latest or latest[unit][0] < age):
                latest[unit] = (age, {held.field: held.said for held in said})
    for _age, fields in latest.values():
        told |= fields
    return {name: value for name, value in told.items() if value is not None}


def for_erp(told: Fields, ownership: Ownership, erp: str) -> dict[str, FieldValue]:
    """What a new customer in the ERP begins with: all that it owns, shares or reads, but what is decided later."""
    says = {}
    for name, value in told.items():
        rule = ownership.rule_of(name)
        concerns = rule is not None and (erp in rule.readers or erp in rule.may_write)
        if concerns and not name.startswith(DECIDED_LATER) and name != "account.number":
            says[name] = value
    return says


def owns(ownership: Ownership, erp: str, name: str) -> bool:
    """Whether the ERP's word alone holds."""
    rule = ownership.rule_of(name)
    return rule is not None and rule.rule == "owner" and rule.owner == erp


def as_told(told: Fields, ownership: Ownership, erp: str) -> dict[str, FieldValue]:
    """What the ERP knows because it was told: fields that are not its own."""
    return {name: value for name, value in plain_fields(told).items() if not owns(ownership, erp, name)}


def as_said(told: Fields, shows: Fields, ownership: Ownership, erp: str) -> dict[str, FieldValue]:
    """What counts as the ERP's word: its own fields, and of others what it wrote otherwise than it was told.

    Where it shows nothing of what it was told, it has no place for it: that is not its word that there is none.
    Nor is the same in another form its word.
    """
    said = {}
    same = other_forms(told, shows)
    for name, value in shows.items():
        rule = ownership.rule_of(name)
        if rule is None or (value is None and told.get(name) is not None):
            continue
        if name in same and not owns(ownership, erp, name):
            continue
        if owns(ownership, erp, name) or (erp in rule.may_write and value is not None):
            said[name] = value
    return said
