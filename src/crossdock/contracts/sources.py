"""What the hub tells about the streams it reads: gaps, and the proof that they were closed."""

from typing import ClassVar

import msgspec

from crossdock.kit.clock import Instant


class SourceGap(msgspec.Struct, frozen=True, kw_only=True):
    """Changes may have been missed between `since` and `until`. Closed when seen + refilled = changed."""

    type: ClassVar[str] = "crossdock.source.gap.v1"
    source: str
    since: Instant
    until: Instant
    reason: str
    state: str
    seen: int = 0
    refilled: int = 0
    changed: int = 0
