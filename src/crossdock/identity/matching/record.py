"""What is known about one person or organisation: as it was written, and in the form that is compared.

A `Profile` holds raw text from any source and is never faulty: every attribute may be absent or nonsense.
`Features` are made from it by `normalise.features_of`; keys and comparisons read nothing else. Neither can be
part of a cycle, so the garbage collector need not look at them (`gc=False`): each arrival makes dozens.
"""

from typing import Literal

import msgspec

Kind = Literal["person", "organisation"]


class Reference(msgspec.Struct, frozen=True, gc=False):
    """The id under which a channel or system knows the record: `Reference("webshop", "C-100")`."""

    system: str
    value: str


class PostalAddress(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """An address as it was written; `lines` hold street and house number, `country` a code or a name."""

    lines: tuple[str, ...] = ()
    house: str = ""
    """The house number, where the source keeps it apart."""
    postcode: str = ""
    city: str = ""
    region: str = ""
    country: str = ""


class Profile(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """The raw attributes of one record.

    `name` is the full name where the source does not keep its parts. `country` (ISO 3166-1 alpha-2) says where
    phones, addresses and tax ids without a country belong. A tax id may carry its country: `DE136695976`,
    `US:123-45-6789`. `verified_emails` were confirmed by their owner. `suffix` is what stands behind a name
    ("Jr."), `other_names` are former family names, or a company's brands and former names.
    `extra` holds further attributes by name ("birth_place"), which are compared alike.
    """

    kind: Kind = "person"
    given: str = ""
    middle: str = ""
    family: str = ""
    suffix: str = ""
    name: str = ""
    other_names: tuple[str, ...] = ()
    organisation: str = ""
    legal_form: str = ""
    registration: str = ""
    birth_date: str = ""
    country: str = ""
    emails: tuple[str, ...] = ()
    verified_emails: tuple[str, ...] = ()
    phones: tuple[str, ...] = ()
    addresses: tuple[PostalAddress, ...] = ()
    tax_ids: tuple[str, ...] = ()
    loyalty_ids: tuple[str, ...] = ()
    customer_numbers: tuple[str, ...] = ()
    references: tuple[Reference, ...] = ()
    extra: tuple[tuple[str, str], ...] = ()


class Place(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """An address in parts: folded, abbreviations spelled out one way, the house number apart."""

    street: str = ""
    house: str = ""
    more: str = ""
    """What other lines say: a building, a district."""
    postcode: str = ""
    city: str = ""
    region: str = ""
    country: str = ""


class TaxId(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A tax id without punctuation; `country` where it is known, `valid` where its public checksum holds."""

    value: str
    country: str = ""
    valid: bool = False


class Features(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """A record in the form that is compared. Empty text or an empty tuple: not known.

    `given` and `family` are folded tokens in writing order; `root` is the name behind a nickname of the first.
    `generation` counts namesakes in a family: `1` for a senior, `2` for a junior or II, and so on.
    `birth` is `YYYYMMDD`, with `00` for a month or day that is not known. `organisation` lacks its legal form,
    which stands in `form` as one code over languages. `aliases` are further family names (each one text), or
    further names of a company. References read `system|value`.
    """

    kind: Kind = "person"
    given: tuple[str, ...] = ()
    root: str = ""
    family: tuple[str, ...] = ()
    generation: str = ""
    organisation: str = ""
    form: str = ""
    aliases: tuple[str, ...] = ()
    registrations: tuple[str, ...] = ()
    birth: str = ""
    emails: tuple[str, ...] = ()
    verified_emails: tuple[str, ...] = ()
    phones: tuple[str, ...] = ()
    places: tuple[Place, ...] = ()
    tax_ids: tuple[TaxId, ...] = ()
    loyalty_ids: tuple[str, ...] = ()
    customer_numbers: tuple[str, ...] = ()
    references: tuple[str, ...] = ()
    extra: tuple[tuple[str, str], ...] = ()
