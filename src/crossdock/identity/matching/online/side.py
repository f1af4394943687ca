"""One record of a pair with its attributes in the form that comparisons read."""

from crossdock.identity.matching.record import Features

_NO_EXTRA: dict[str, str] = {}


class Side:
    """A record ready to be compared with any number of others. Empty text: not known."""

    __slots__ = ("extra", "family", "given", "middle", "record")

    def __init__(self, record: Features) -> None:
        given, family = record.given, record.family
        self.record = record
        self.given = given[0] if given else ""
        self.middle = " ".join(given[1:]) if len(given) > 1 else ""
        self.family = family[0] if len(family) == 1 else " ".join(family)
        self.extra = dict(record.extra) if record.extra else _NO_EXTRA
