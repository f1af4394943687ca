"""The addresses of a company, and what a verdict on one means for it (CUS-23)."""

from collections.abc import Sequence

from crossdock.canonical.party import PostalAddress
from crossdock.identity.golden.fields import Fields, party_of
from crossdock.kit.errors import Finding
from crossdock.ports.address_validator import AddressVerdict

OBJECTIONS = frozenset({"undeliverable", "ambiguous"})


def addresses_in(told: Fields) -> dict[str, PostalAddress]:
    """Every address, by the group of its fields."""
    party = party_of(told)
    named = {f"shipping.{key}.address": one.address for key, one in party.shipping.items()}
    named |= {f"locations.{key}.address": one.address for key, one in party.locations.items()}
    named["billing.address"] = party.billing.address
    return {unit: address for unit, address in named.items() if address != PostalAddress()}


def objections_to(unit: str, verdict: AddressVerdict) -> Sequence[Finding]:
    """What keeps it from being an address that can be delivered to, each with its path."""
    if verdict.outcome not in OBJECTIONS:
        return ()
    nothing = Finding("address-undeliverable", "$", "nothing can be delivered there")
    found = verdict.findings or (nothing,)
    return [Finding(each.code, f"$.{unit}{each.path[1:]}", each.message) for each in found]
