"""Raw records as columns: what a file holds, each distinct value once, before anything is normalised."""

from collections.abc import Mapping, Sequence

from crossdock.identity.matching.columns import Texts
from crossdock.identity.matching.record import Kind, PostalAddress, Profile, Reference

SINGLE = (
    *("kind", "given", "middle", "family", "suffix", "name", "organisation", "legal_form", "registration"),
    *("birth_date", "country", "house", "postcode", "city", "region", "address_country"),
)
"""Attributes of which a record has one. `address_country` is the address's, `country` the record's."""
SEVERAL = ("other_name", "email", "verified_email", "phone", "line", "tax_id", "loyalty_id", "customer_number")
"""Attributes of which there may be several columns; `line`s hold street and house number and what else is said."""
REFERENCE, EXTRA = "reference:", "extra:"
"""Before the name of a system whose ids a column holds, or of a further attribute."""
SEVERAL_MAX = 4
"""So many columns of one attribute are taken."""
OF_ORGANISATIONS = frozenset(
    "organisation organization org company business firma unternehmen b2b corporate legal o".split()
)
"""A kind that is none of these words is a person."""


class Table:
    """Columns of equal length by the name of what they hold (see `SINGLE`, `SEVERAL`, `REFERENCE`, `EXTRA`)."""

    def __init__(self, size: int, columns: Mapping[str, Sequence[Texts]]) -> None:
        """Raises ValueError for a name that no attribute has, or too many columns of one."""
        for name, found in columns.items():
            most = SEVERAL_MAX if name in SEVERAL else 1
            if name not in {*SINGLE, *SEVERAL} and not name.startswith((REFERENCE, EXTRA)):
                raise ValueError(f"no record has the attribute {name}")
            if len(found) > most:
                raise ValueError(f"{name}: {len(found)} columns, {most} at most")
        self.size = size
        self.columns = columns

    def __len__(self) -> int:
        return self.size

    def named(self, prefix: str) -> list[str]:
        """The names behind a prefix."""
        return sorted(name.removeprefix(prefix) for name in self.columns if name.startswith(prefix))

    def values(self, name: str, row: int) -> tuple[str, ...]:
        """What a row says of an attribute."""
        said = (texts.words.words[texts.places[row]] for texts in self.columns.get(name, ()))
        return tuple(value for value in said if value)

    def value(self, name: str, row: int) -> str:
        """The same of an attribute with one column."""
        return next(iter(self.values(name, row)), "")

    def kind(self, row: int) -> Kind:
        """What the row is about: as it says, else an organisation where only an organisation is named."""
        if said := self.value("kind", row):
            return "organisation" if said.strip().lower() in OF_ORGANISATIONS else "person"
        alone = self.value("organisation", row) and not any(
            self.value(name, row) for name in ("given", "family", "name")
        )
        return "organisation" if alone else "person"

    def profile(self, row: int) -> Profile:
        """One record, as it would arrive from a system."""
        one = self.value
        address = PostalAddress(
            lines=self.values("line", row),
            house=one("house", row),
            postcode=one("postcode", row),
            city=one("city", row),
            region=one("region", row),
            country=one("address_country", row),
        )
        return Profile(
            kind=self.kind(row),
            given=one("given", row),
            middle=one("middle", row),
            family=one("family", row),
            suffix=one("suffix", row),
            name=one("name", row),
            other_names=self.values("other_name", row),
            organisation=one("organisation", row),
            legal_form=one("legal_form", row),
            registration=one("registration", row),
            birth_date=one("birth_date", row),
            country=one("country", row),
            emails=self.values("email", row),
            verified_emails=self.values("verified_email", row),
            phones=self.values("phone", row),
            addresses=(address,) if address != _NO_ADDRESS else (),
            tax_ids=self.values("tax_id", row),
            loyalty_ids=self.values("loyalty_id", row),
            customer_numbers=self.values("customer_number", row),
            references=tuple(
                Reference(system, value)
                for system in self.named(REFERENCE)
                if (value := one(f"{REFERENCE}{system}", row))
            ),
            extra=tuple((name, value) for name in self.named(EXTRA) if (value := one(f"{EXTRA}{name}", row))),
        )


_NO_ADDRESS = PostalAddress()
