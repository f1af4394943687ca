"""Short ways to write a field down, so that a table of objects can be read as a table."""

from typing import Any, Literal

import msgspec

from crossdock.adapters.salesforce.simulator.tables.schema import Field, OnDelete

DEFAULT_CURRENCY = "EUR"
CURRENCIES = ("EUR", "USD", "GBP", "CHF", "SEK", "PLN", "JPY")


def text(name: str, length: int, *, kind: Literal["string", "textarea"] = "string", **more: Any) -> Field:
    """Text of at most `length` characters."""
    return Field(name=name, type=kind, length=length, **more)


def picklist(name: str, *values: str, restricted: bool = False, **more: Any) -> Field:
    """One of `values`; any other text too, unless it is restricted."""
    return Field(name=name, type="picklist", length=255, picklist=values, restricted=restricted, **more)


def boolean(name: str, *, default: bool = False, **more: Any) -> Field:
    """True or false, never null."""
    return Field(name=name, type="boolean", default=default, **more)


def whole(name: str, **more: Any) -> Field:
    """A whole number."""
    return Field(name=name, type="int", precision=9, **more)


def number(name: str, *, scale: int, **more: Any) -> Field:
    """A number with `scale` decimals."""
    return Field(name=name, type="double", precision=18, scale=scale, **more)


def currency(name: str, **more: Any) -> Field:
    """An amount in the row's currency."""
    return Field(name=name, type="currency", precision=18, scale=2, **more)


def currency_code(**more: Any) -> Field:
    """The row's currency, as every row of a multi-currency org has one."""
    return Field(
        name="CurrencyIsoCode",
        type="picklist",
        length=3,
        picklist=CURRENCIES,
        restricted=True,
        default=DEFAULT_CURRENCY,
        **more,
    )


def date(name: str, **more: Any) -> Field:
    """A calendar date."""
    return Field(name=name, type="date", **more)


def moment(name: str, **more: Any) -> Field:
    """A date and time."""
    return Field(name=name, type="datetime", **more)


def email(name: str, **more: Any) -> Field:
    """An email address."""
    return Field(name=name, type="email", length=80, **more)


def phone(name: str, **more: Any) -> Field:
    """A telephone number, as people type it."""
    return Field(name=name, type="phone", length=40, **more)


def url(name: str, **more: Any) -> Field:
    """A web address."""
    return Field(name=name, type="url", length=255, **more)


def reference(
    name: str,
    *parents: str,
    relationship: str = "",
    children: str = "",
    on_delete: OnDelete = "clear",
    **more: Any,
) -> Field:
    """A pointer to a row of one of `parents`; `children` is the name of the relationship seen from there."""
    return Field(
        name=name,
        type="reference",
        length=18,
        refers_to=parents,
        relationship=relationship or _relationship(name),
        children=children,
        on_delete=on_delete,
        **more,
    )


def _relationship(name: str) -> str:
    return f"{name[:-3]}__r" if name.endswith("__c") else name.removesuffix("Id")


def auto_number(name: str, pattern: str, **more: Any) -> Field:
    """A number the org counts, written with `pattern`."""
    return Field(
        name=name,
        type="string",
        length=30,
        auto_number=pattern,
        createable=False,
        updateable=False,
        calculated=True,
        **more,
    )


def derived(field: Field) -> Field:
    """A value the org works out itself."""
    return msgspec.structs.replace(field, createable=False, updateable=False, calculated=True)


def address(prefix: str) -> tuple[Field, ...]:
    """The parts of one address, grouped as a compound field."""
    compound = f"{prefix}Address"
    return (
        text(f"{prefix}Street", 255, kind="textarea", compound=compound),
        text(f"{prefix}City", 40, compound=compound),
        text(f"{prefix}State", 80, compound=compound),
        text(f"{prefix}PostalCode", 20, compound=compound),
        text(f"{prefix}Country", 80, compound=compound),
        number(f"{prefix}Latitude", scale=15, compound=compound),
        number(f"{prefix}Longitude", scale=15, compound=compound),
        text(f"{prefix}GeocodeAccuracy", 40, compound=compound),
    )
