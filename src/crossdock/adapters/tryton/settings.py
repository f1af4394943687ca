"""What a deployment says about its Tryton."""

from typing import Annotated

import msgspec
from msgspec import Meta

from crossdock.kit.redaction import Secret


class TrytonSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where the database answers, as whom, and what this installation calls things.

    `warehouse` is the code of the location for orders that name none (empty: Tryton's default for the user).
    `units` adds to or replaces the symbols of `mapping.UNITS` (`{"EA": "u"}`). `person_category` names the party
    category of private customers. `change_overlap_seconds` must exceed the longest transaction, because Tryton
    stamps a change with the start of its transaction. `customer_poll_seconds` is how long the stream of customers
    rests when there was nothing new; `origin_mark` is told as origin of what the hub's own user changed.
    `tax_identifiers` gives the type of identifier by a tax number's first two letters (`{"DE": "eu_vat"}`): such
    numbers are written, others never. `contact_relation` names the type of relation by which a person stands for a
    business, where the module party_relationship is activated; empty: such relations are left alone.
    """

    base_url: Annotated[str, Meta(pattern=r"^https?://[^/\s]+$")]
    database: Annotated[str, Meta(pattern=r"^[A-Za-z0-9_-]{1,63}$")]
    user: Annotated[str, Meta(min_length=1)]
    password: Secret
    warehouse: str = ""
    units: dict[str, str] = {}
    person_category: str = "Person"
    contact_relation: str = "Contact of"
    price_decimals: Annotated[int, Meta(ge=2, le=6)] = 4
    timeout_seconds: Annotated[float, Meta(gt=0)] = 70.0
    connect_timeout_seconds: Annotated[float, Meta(gt=0)] = 5.0
    in_flight_max: Annotated[int, Meta(ge=1)] = 2
    catalogue_seconds: Annotated[float, Meta(ge=0)] = 300.0
    change_overlap_seconds: Annotated[float, Meta(ge=1)] = 90.0
    customer_poll_seconds: Annotated[float, Meta(gt=0)] = 30.0
    origin_mark: Annotated[str, Meta(max_length=64)] = "crossdock"
    tax_identifiers: dict[
        Annotated[str, Meta(pattern="^[A-Z]{2}$")], Annotated[str, Meta(pattern="^[a-z_]+$")]
    ] = {}
