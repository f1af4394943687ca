"""People at the systems' own screens: finance in the ERP, and whoever stands at the till."""

from collections.abc import Mapping
from typing import Any, Protocol

import httpx

from crossdock.entrypoints.cli.demo.books import DAYS, TIMEOUT_SECONDS, tryton_session
from crossdock.entrypoints.cli.demo.market import Buyer, Market, standing_of
from crossdock.kit.errors import Unavailable

USUAL_TERMS = "Net 30 days"
ADMIN = "admin"


class Finance(Protocol):
    """Decides in the ERP on what terms customers pay."""

    async def give_terms(self, number: str, terms: str) -> None:
        """Give the customer of that number other terms. Raises Unavailable."""
        ...


def finance_of(erp: str, system: Any, settings: Mapping[str, Any]) -> Finance:
    """Finance at that ERP; `settings` say where it is now."""
    return TrytonFinance(system.settings(ADMIN)) if erp == "tryton" else MemoryFinance(settings)


class TrytonFinance:
    """Finance at Tryton, as the administrator: not the hub's own user."""

    def __init__(self, settings: Mapping[str, Any]) -> None:
        self._settings = settings

    async def give_terms(self, number: str, terms: str) -> None:
        """See Finance."""
        async with tryton_session(self._settings) as tryton:
            parties = await tryton.ask("party.party.search", [["code", "=", number]])
            (term,) = await tryton.ask("account.invoice.payment_term.search", [["name", "=", terms]])
            await tryton.ask("party.party.write", parties, {"customer_payment_term": term})


class MemoryFinance:
    """Finance at the memory ERP."""

    def __init__(self, settings: Mapping[str, Any]) -> None:
        self._settings = settings

    async def give_terms(self, number: str, terms: str) -> None:
        """See Finance."""
        partners = await _control(self._settings, "GET", None)
        partner = next(one for one in partners if one["card"].get("account.number") == number)
        card = {"terms.code": terms, "terms.days_net": DAYS[terms]}
        asked = {"write": f"terms/{number}/{partner['revision']}", "number": partner["number"], "card": card}
        await _control(self._settings, "POST", asked)


class Till:
    """Somebody at a till takes down who a customer is."""

    def __init__(self, settings: Mapping[str, Any]) -> None:
        self._settings = settings

    async def enter(self, slip: str, card: Mapping[str, Any]) -> None:
        """Enter a customer from a slip of paper that bears this number. Raises Unavailable."""
        await _control(self._settings, "POST", {"write": slip, "card": dict(card)})


def card_of(buyer: Buyer, market: Market) -> dict[str, Any]:
    """A customer of old, as the memory ERP's card has him."""
    status, credit = standing_of(buyer, market)
    given, _, family = buyer.name.rpartition(" ")
    organisation = buyer.kind == "organisation"
    named = {"organisation.name": buyer.name}
    if not organisation:
        named = {"person.name.given": given, "person.name.family": family}
    place = buyer.address
    parts = {"lines": list(place.lines), "postal_code": place.postal_code, "city": place.city}
    address = {f"billing.address.{part}": value for part, value in (parts | {"country": place.country}).items()}
    return {
        "kind": "organisation" if organisation else "person",
        "account.number": buyer.number,
        "account.status": status,
        "credit.status": credit,
        **named,
        **address,
        "terms.code": USUAL_TERMS,
        "terms.days_net": DAYS[USUAL_TERMS],
    }


async def _control(settings: Mapping[str, Any], method: str, asked: Mapping[str, Any] | None) -> Any:
    async with httpx.AsyncClient(base_url=settings["url"], timeout=TIMEOUT_SECONDS, trust_env=False) as client:
        answer = await client.request(method, "/_simulator/partners", json=asked)
    if answer.status_code != httpx.codes.OK:
        raise Unavailable(f"it does not let us: HTTP {answer.status_code}", code="books")
    return answer.json()
