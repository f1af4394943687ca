"""How the dock connects to Acme."""

from typing import Annotated

import msgspec
from msgspec import Meta

from crossdock.kit.redaction import Secret


class AcmeSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`url` is scheme, host and port; `api_key` comes from Acme's administrator."""

    url: Annotated[str, Meta(pattern=r"^https?://[^\s/]+$")]
    api_key: Secret
    timeout_seconds: Annotated[float, Meta(gt=0, le=300)] = 20.0
    in_flight_max: Annotated[int, Meta(ge=1, le=100)] = 8
