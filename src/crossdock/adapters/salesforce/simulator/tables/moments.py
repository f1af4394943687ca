"""Dates and times as the REST API writes them: text that sorts as time does."""

import re
from datetime import UTC, date, datetime, timedelta

from crossdock.kit.clock import Instant, from_datetime, to_datetime

_DATETIME = re.compile(
    r"(\d{4}-\d{2}-\d{2})[Tt ](\d{2}:\d{2}(?::\d{2})?)(?:\.(\d{1,9}))?(Z|z|[+-]\d{2}:?\d{2})?",
)
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
MILLISECOND_US = 1_000
SECOND_US = 1_000_000


def datetime_text(instant: Instant) -> str:
    """`2026-01-31T10:00:00.000+0000`, always UTC and of one width."""
    return to_datetime(instant).strftime("%Y-%m-%dT%H:%M:%S.") + f"{instant // MILLISECOND_US % 1_000:03d}+0000"


def stamp_text(instant: Instant) -> str:
    """A system stamp: whole seconds, which is all the API resolves."""
    return datetime_text(instant - instant % SECOND_US)


def parse_datetime(text: str) -> Instant | None:
    """An ISO 8601 datetime (or a bare date) as an instant; None when it is neither. No offset means UTC."""
    if _DATE.fullmatch(text):
        text += "T00:00:00Z"
    found = _DATETIME.fullmatch(text)
    if found is None:
        return None
    day, clock, fraction, offset = found.groups()
    clock = clock if clock.count(":") > 1 else clock + ":00"
    micros = (fraction or "0").ljust(6, "0")[:6]
    zone = "+00:00" if offset in (None, "Z", "z") else offset
    if ":" not in zone:
        zone = zone[:3] + ":" + zone[3:]
    try:
        return from_datetime(datetime.fromisoformat(f"{day}T{clock}.{micros}{zone}"))
    except (ValueError, OverflowError):
        return None


def parse_date(text: str) -> str | None:
    """A calendar date in its one spelling, also out of a datetime; None when it is neither."""
    try:
        return date.fromisoformat(text[:10]).isoformat() if _DATE.match(text) else None
    except ValueError:
        return None


def epoch_ms(text: str) -> int:
    """Milliseconds since 1970 of a datetime or date in wire form, as events carry them."""
    instant = parse_datetime(text)
    assert instant is not None, text
    return instant // MILLISECOND_US


def from_epoch_ms(milliseconds: int) -> str:
    """The wire form of milliseconds since 1970."""
    return datetime_text(milliseconds * MILLISECOND_US)


def http_date(text: str) -> str:
    """A wire datetime as the HTTP header Last-Modified writes it."""
    instant = parse_datetime(text)
    assert instant is not None, text
    return to_datetime(instant).strftime("%a, %d %b %Y %H:%M:%S GMT")


def parse_http_date(text: str) -> Instant | None:
    """The instant of an HTTP date; None when it is none."""
    try:
        parsed = datetime.strptime(text.strip(), "%a, %d %b %Y %H:%M:%S GMT").replace(tzinfo=UTC)
    except ValueError:
        return None
    return from_datetime(parsed)


def day_bounds(day: date, days: int = 1) -> tuple[str, str]:
    """First moment of `day` and first moment after `days` days, in wire form."""
    start = datetime(day.year, day.month, day.day, tzinfo=UTC)
    return datetime_text(from_datetime(start)), datetime_text(from_datetime(start + timedelta(days=days)))
