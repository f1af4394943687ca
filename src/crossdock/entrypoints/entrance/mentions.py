"""Customers where they are mentioned: by name where that may be told, by their numbers in systems where not."""

from collections.abc import Iterable, Mapping

import msgspec

from crossdock.entrypoints.entrance.customer_answers import company_of, name_of
from crossdock.identity.golden.spreading import golden_fields
from crossdock.processes.customer_stewardship import Customer, Stewards

TAIL_CHARACTERS = 6
RECORDS_MAX = 3


class Mention(msgspec.Struct, frozen=True, kw_only=True):
    """A customer in a list. `numbers` are its records as people know them: `Memory ERP BP-00008`.

    `name` is a company's, and a person's only for somebody whose look is kept in the audit; so are `place` and
    `email`.
    """

    customer_id: str
    name: str = ""
    place: str = ""
    email: str = ""
    numbers: tuple[str, ...] = ()

    @property
    def words(self) -> str:
        """What to call the customer where there is room for one word."""
        return self.name or (self.numbers[0] if self.numbers else f"customer {self.tail}")

    @property
    def under(self) -> str:
        """The other things it is known by."""
        return " · ".join(self.numbers if self.name else self.numbers[1:])

    @property
    def tail(self) -> str:
        """The end of the id, which tells customers apart as their beginnings do not."""
        return f"…{self.customer_id[-TAIL_CHARACTERS:]}"


async def mentions_of(
    stewards: Stewards, customer_ids: Iterable[str], titles: Mapping[str, str], by: str = ""
) -> dict[str, Mention]:
    """Mentions by id: of people by name only for `by`, whose look is kept in the audit."""
    mentions = {}
    for customer_id in dict.fromkeys(customer_ids):
        found = await stewards.customer(customer_id)
        if found is None:
            continue
        if by:
            await stewards.note_look(by, customer_id)
        mentions[customer_id] = mention_of(found, titles, in_full=bool(by))
    return mentions


def mention_of(customer: Customer, titles: Mapping[str, str], *, in_full: bool) -> Mention:
    """A customer as it is mentioned; a person's name, place and address only `in_full`."""
    references = [each.reference for each in customer.file.records if each.state == "live"]
    return Mention(
        customer_id=customer.file.party_id,
        name=name_of(customer.values) if in_full else company_of(customer.values),
        place=_place_of(customer) if in_full else "",
        email=_email_of(customer) if in_full else "",
        numbers=tuple(f"{titles.get(each.system, each.system)} {each.value}" for each in references[:RECORDS_MAX]),
    )


def masked_email(address: str) -> str:
    """An e-mail address that is recognised by who knows it: `a…@mail.example.net`."""
    name, at, host = address.rpartition("@")
    return f"{name[:1]}…@{host}" if at else ("…" if address else "")


def _place_of(customer: Customer) -> str:
    """A city and its country: of the first address that has one, shipping before billing."""
    held = golden_fields(customer.values)
    cities = sorted(
        (name for name, value in held.items() if name.endswith(".address.city") and value),
        key=lambda name: (name.startswith("billing."), name),
    )
    if not cities:
        return ""
    country = held.get(f"{cities[0].removesuffix('city')}country")
    return f"{held[cities[0]]}, {country}" if country else str(held[cities[0]])


def _email_of(customer: Customer) -> str:
    held = golden_fields(customer.values)
    return str(held.get("contact.email") or held.get("billing.email") or "")
