"""How much of the org's daily API allowance is used, as every answer of the REST API says."""

import re

from crossdock.kit.clock import Instant
from crossdock.ports.usage import ApiUsage

_USAGE = re.compile(r"(?:^|[;,\s])api-usage=([0-9]{1,12})/([0-9]{1,12})")


def parse_usage(header: str, at: Instant) -> ApiUsage | None:
    """Read `Sforce-Limit-Info: api-usage=18/5000`; None where it says nothing about the whole org."""
    found = _USAGE.search(header)
    return ApiUsage(int(found[1]), int(found[2]), at) if found else None
