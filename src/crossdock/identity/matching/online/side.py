"""One record of a pair with its attributes in the form that comparisons read."""

from crossdock.identity.matching.record import Features, Place


class Address:
    """A place with the parts that are compared; `whole` and `area` as in `columns`."""

    __slots__ = ("area", "city", "house", "more", "postcode", "street", "whole")

    def __init__(self, place: Place) -> None:
        self.street = place.street
        self.house = place.house
        self.more = place.more
        self.postcode = place.postcode
        self.city = place.city
        self.area = place.postcode[: max(2, len(place.postcode) - 3)]
        self.whole = (
            f"{place.street}|{place.house}|{place.postcode or place.city}" if place.street and place.house else ""
        )


class Side:
    """A record ready to be compared with any number of others. Empty text: not known."""

    __slots__ = ("addresses", "extra", "family", "given", "middle", "record")

    def __init__(self, record: Features) -> None:
        self.record = record
        self.given = record.given[0] if record.given else ""
        self.middle = " ".join(record.given[1:])
        self.family = " ".join(record.family)
        self.addresses = [Address(place) for place in record.places]
        self.extra = dict(record.extra)
