"""What was killed where, for people to read after the tests."""

from collections import Counter, defaultdict

DEATHS: defaultdict[str, Counter[str]] = defaultdict(Counter)
"""How often a hub died, by point and store."""


def table() -> str:
    """One line per point, one column per store."""
    stores = sorted({store for deaths in DEATHS.values() for store in deaths})
    width = max(map(len, DEATHS))
    lines = ["".ljust(width) + "".join(store.rjust(12) for store in stores)]
    for point, deaths in DEATHS.items():
        lines.append(point.ljust(width) + "".join(str(deaths[store]).rjust(12) for store in stores))
    total = Counter[str]()
    for deaths in DEATHS.values():
        total.update(deaths)
    lines.append("all".ljust(width) + "".join(str(total[store]).rjust(12) for store in stores))
    return "\n".join(lines)
