"""How the dock connects to AvaTax."""

from typing import Annotated

import msgspec
from msgspec import Meta

from crossdock.kit.redaction import Secret

Country = Annotated[str, Meta(pattern="^[A-Z]{2}$")]


class AvataxSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`account` and `license_key` are Avalara's; `countries` those it is asked about, since it knows no others."""

    account: Annotated[str, Meta(pattern=r"^[^\s:]{1,80}$")]
    license_key: Secret
    base_url: Annotated[str, Meta(pattern=r"^https?://[^\s/]+$")] = "https://rest.avatax.com"
    countries: Annotated[tuple[Country, ...], Meta(min_length=1)] = ("US", "CA")
    timeout_seconds: Annotated[float, Meta(gt=0, le=60)] = 5.0
    connect_timeout_seconds: Annotated[float, Meta(gt=0, le=60)] = 3.0
    in_flight_max: Annotated[int, Meta(ge=1, le=100)] = 4
