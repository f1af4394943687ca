"""Who is involved: a customer as an order names them, and places on the map."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

Text = Annotated[str, Meta(min_length=1, max_length=255)]
Code = Annotated[str, Meta(min_length=1, max_length=64)]
CountryCode = Annotated[str, Meta(pattern="^[A-Z]{2}$")]


class ExternalReference(msgspec.Struct, frozen=True):
    """The number under which a system knows the object: `("salesforce", "Order", "801…")`."""

    system: Code
    kind: Code
    value: Text


class Address(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A postal address; `country` is ISO 3166-1 alpha-2, `region` the state or province as written there."""

    name: Annotated[str, Meta(max_length=255)] = ""
    lines: Annotated[tuple[Text, ...], Meta(min_length=1, max_length=5)]
    postal_code: Annotated[str, Meta(max_length=20)] = ""
    city: Text
    region: Annotated[str, Meta(max_length=80)] = ""
    country: CountryCode
    phone: Annotated[str, Meta(max_length=40)] = ""
    email: Annotated[str, Meta(max_length=254)] = ""


class Customer(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The buyer as the channel knows them. `number` is the ERP's customer number where it is known."""

    number: Annotated[str, Meta(max_length=64)] = ""
    name: Annotated[str, Meta(max_length=255)] = ""
    kind: Literal["organisation", "person"] = "person"
    email: Annotated[str, Meta(max_length=254)] = ""
    references: tuple[ExternalReference, ...] = ()
