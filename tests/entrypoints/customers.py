"""A hub that keeps customers, for tests of its doors: Anna, and somebody who may be Anna."""

from typing import Any

from tests.hubs import eventually

from crossdock.adapters.memory.simulator.surface import Surface
from crossdock.adapters.memory.wire import PartnerWrite
from crossdock.bootstrap.hub import Hub
from crossdock.canonical.party import ExternalReference
from crossdock.identity.golden.fields import Domain
from crossdock.identity.golden.ownership import Merging, Ownership, Rule

OWNERSHIP = Ownership(
    domains=dict.fromkeys(Domain, Rule(rule="newest_valid", writers=("erp",), readers=("erp",))),
    marks=("crossdock",),
    merging={"erp": Merging(on_merge="link")},
)
HOME = {
    "shipping.default.address.lines": ["Lindenstr. 12"],
    "shipping.default.address.city": "München",
    "shipping.default.address.country": "DE",
}
ANNA: dict[str, Any] = {
    "kind": "person",
    "person.name.given": "Anna",
    "person.name.family": "Seidl",
    "person.birth_date": "1980-05-17",
    "contact.email": "anna.seidl@mail.example.net",
    **HOME,
}
ALMOST_ANNA: dict[str, Any] = {
    "kind": "person",
    "person.name.given": "A.",
    "person.name.family": "Seidl",
    "contact.phone": "0171 5551234",
    **HOME,
}


async def a_customer(hub: Hub, erp: Surface, card: dict[str, Any], write: str) -> str:
    """Somebody in the ERP makes a customer, and the hub hears of it; his id in the hub."""
    number = erp.partners.write(PartnerWrite(write=write, card=card)).number
    reference = ExternalReference("erp", "partner", number)

    async def known() -> str:
        return (await hub.store.find_parties([reference])).get(reference, "")

    return await eventually(known)


async def a_review(hub: Hub, number: int = 1) -> int:
    """The number of the latest review, as soon as so many are open."""

    async def asked() -> int:
        reviews = await hub.store.list_match_reviews(hub.clock.now())
        return reviews[-1].number if len(reviews) >= number else 0

    return await eventually(asked)
