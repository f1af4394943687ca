"""Date literals such as TODAY or LAST_N_DAYS:7, as the span of time they mean (UTC)."""

from calendar import monthrange
from collections.abc import Callable
from datetime import date, timedelta

_WEEK_DAYS = 7
_SUNDAY = 6


def period(name: str, count: int | None, today: date) -> tuple[date, date] | None:
    """First day, and first day after; None for a literal that does not exist."""
    if count is not None:
        counted = _COUNTED.get(name)
        return None if counted is None else counted(today, count)
    named = _NAMED.get(name)
    return None if named is None else named(today)


def _days(start: int, length: int = 1) -> Callable[[date], tuple[date, date]]:
    return lambda today: (today + timedelta(start), today + timedelta(start + length))


def _week(offset: int) -> Callable[[date], tuple[date, date]]:
    def span(today: date) -> tuple[date, date]:
        since_sunday = (today.weekday() - _SUNDAY) % _WEEK_DAYS
        start = today + timedelta(offset * _WEEK_DAYS - since_sunday)
        return start, start + timedelta(_WEEK_DAYS)

    return span


def _month(offset: int) -> Callable[[date], tuple[date, date]]:
    def span(today: date) -> tuple[date, date]:
        months = today.year * 12 + today.month - 1 + offset
        start = date(months // 12, months % 12 + 1, 1)
        return start, start + timedelta(monthrange(start.year, start.month)[1])

    return span


def _year(offset: int) -> Callable[[date], tuple[date, date]]:
    return lambda today: (date(today.year + offset, 1, 1), date(today.year + offset + 1, 1, 1))


_NAMED: dict[str, Callable[[date], tuple[date, date]]] = {
    "TODAY": _days(0),
    "YESTERDAY": _days(-1),
    "TOMORROW": _days(1),
    "LAST_90_DAYS": _days(-90, 91),
    "NEXT_90_DAYS": _days(1, 90),
    "THIS_WEEK": _week(0),
    "LAST_WEEK": _week(-1),
    "NEXT_WEEK": _week(1),
    "THIS_MONTH": _month(0),
    "LAST_MONTH": _month(-1),
    "NEXT_MONTH": _month(1),
    "THIS_YEAR": _year(0),
    "LAST_YEAR": _year(-1),
    "NEXT_YEAR": _year(1),
}
_COUNTED: dict[str, Callable[[date, int], tuple[date, date]]] = {
    "LAST_N_DAYS": lambda today, n: (today - timedelta(n), today + timedelta(1)),
    "NEXT_N_DAYS": lambda today, n: (today + timedelta(1), today + timedelta(n + 1)),
    "N_DAYS_AGO": lambda today, n: (today - timedelta(n), today - timedelta(n - 1)),
}
