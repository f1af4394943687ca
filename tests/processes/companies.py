"""A hub that makes customers of companies: a CRM where they arrive, an ERP that numbers them."""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import cached_property
from typing import Any

from tests.processes.books import Books, CustomerHub, _Counting
from tests.stores import Stores

from crossdock.adapters.memory.simulator.server import share_surface
from crossdock.bootstrap.addresses import Addresses, Provider
from crossdock.bootstrap.releasing import Releasing
from crossdock.durable.process import Process
from crossdock.durable.store import RunView
from crossdock.identity.golden.fields import Domain, Fields, FieldValue
from crossdock.identity.golden.ledger import PartyFile
from crossdock.identity.golden.ownership import Ownership, Rule
from crossdock.identity.onboarding.ledger import OnboardingFile
from crossdock.policies.customer_onboarding import ApprovalLevel, CreditRules, OnboardingRules
from crossdock.processes import customer_addresses, customer_onboarding, customer_update
from crossdock.processes.credit_desk import CreditDesk

OWNED = Rule(rule="owner", owner="erp", readers=("crm",))
SHARED = Rule(rule="newest_valid", writers=("crm", "erp"), readers=("crm", "erp"))
OWNERSHIP = Ownership(
    domains=dict.fromkeys(Domain, OWNED)
    | {
        Domain.IDENTITY: Rule(rule="precedence", precedence=("crm", "erp"), readers=("crm", "erp")),
        Domain.LEGAL_IDENTITY: Rule(rule="owner", owner="erp", others="propose", initial=True, readers=("crm",)),
        Domain.BILLING: Rule(rule="owner", owner="erp", others="propose", initial=True, readers=("crm",)),
        Domain.TAX: Rule(rule="owner", owner="erp", others="propose", readers=("crm",)),
        Domain.CONTACT: SHARED,
        Domain.SHIPPING: SHARED,
        Domain.CONSENT: Rule(rule="owner", owner="crm", readers=("erp",)),
    },
    marks=("crossdock",),
    creates=("erp",),
)
RULES = OnboardingRules(
    erp="erp",
    credit=CreditRules(
        currency="EUR",
        levels=(
            ApprovalLevel(team="credit", up_to="25000", approvers=("anna",)),
            ApprovalLevel(team="finance", approvers=("carla",)),
        ),
        limit="5000",
        terms="N30",
    ),
)
BIKES: Fields = {
    "kind": "organisation",
    "organisation.name": "Rad & Tat GmbH",
    "organisation.registered_in": "DE",
    "tax.number": "DE136695976",
    "contact.email": "einkauf@radtat.example",
    "billing.address.lines": ("Hauptstr. 1",),
    "billing.address.postal_code": "10115",
    "billing.address.city": "Berlin",
    "billing.address.country": "DE",
}
PARTY = {name: value for name, value in BIKES.items() if name != "kind"}


class KnownDoubles:
    """Doubles that a test knows of."""

    def __init__(self) -> None:
        self.records: tuple[str, ...] = ()

    async def find_doubles(self, _file: PartyFile, _told: Fields) -> Sequence[str]:
        return self.records


class CompanyHub(CustomerHub):
    """The same hub with onboarding, and the desk where credit is decided."""

    def __init__(
        self, stores: Stores, books: Mapping[str, Books], rules: OnboardingRules, provider: Provider | None
    ) -> None:
        super().__init__(stores, books, OWNERSHIP)
        self.rules = rules
        self.addresses = Addresses(provider, 60, self.clock)
        self.doubles = KnownDoubles()

    @cached_property
    def looking_again(self) -> Process[Any]:
        return customer_addresses.customer_addresses(
            customer_addresses.Collaborators(
                parties=self.store, ownership=self.ownership, addresses=self.addresses, clock=self.clock
            )
        )

    def way_into_the_erp(self, update: Callable[[], Process[Any]]) -> customer_update.Onboarding | None:
        process = customer_onboarding.customer_onboarding(
            customer_onboarding.Collaborators(
                parties=self.store,
                ownership=self.ownership,
                erp=_Counting(self, self.docks["erp"]),
                doubles=self.doubles,
                addresses=self.addresses,
                rules=self.rules,
                clock=self.clock,
                mark=self.mark,
                settle_seconds=60,
                update=update,
                again=self.looking_again,
            )
        )
        self.further = [process, self.looking_again]
        releasing = Releasing(self.store, lambda: self.engine.desk, self.clock)
        return customer_update.Onboarding("erp", process, releasing.resume_onboarding)

    @property
    def desk(self) -> CreditDesk:
        return CreditDesk(self.store, self.rules.credit, self.engine.worker.commit, self.clock)

    async def arrive(self, card: Mapping[str, FieldValue]) -> str:
        """A company is entered in the CRM, and everything happens that can; its number there."""
        number = self.books["crm"].make(card)
        await self.pump()
        return number

    async def onboarding(self, number: str) -> OnboardingFile:
        """The onboarding of a record in the CRM."""
        found = await self.store.read_onboarding((await self.party("crm", number)).party_id)
        assert found is not None
        return found

    async def run(self, number: str) -> RunView:
        """Its run."""
        return await self.engine.view(f"customer_onboarding/{(await self.party('crm', number)).party_id}")

    def in_erp(self) -> list[dict[str, Any]]:
        """Every card there."""
        return [dict(record.partner.card) for record in self.books["erp"].book._records.values()]


@asynccontextmanager
async def company_hub(
    stores: Stores, rules: OnboardingRules = RULES, provider: Provider | None = None
) -> AsyncIterator[CompanyHub]:
    """A hub between `crm` and `erp` that makes customers of companies."""
    books = {name: Books(name, stores.clock) for name in ("crm", "erp")}
    hub = CompanyHub(stores, books, rules, provider)
    await hub.open()
    try:
        yield hub
    finally:
        await hub.close()
        for each in books.values():
            share_surface(each.ledger, None)
