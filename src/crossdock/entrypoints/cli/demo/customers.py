"""What happens to customers in the course of the day, while orders come in and things go wrong.

Four threads at once, each through doors that everybody has: Salesforce, the ERP, the till, the hub's API. Each
waits for what the hub brings about.

A write that is under way when the hub is killed is not sent again before a minute has passed, within which it may
still land. So that a day does not last that minute longer, what needs several of them begins after the power cut.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from typing import Any, Protocol, TypeVar

from crossdock.entrypoints.cli.demo import people
from crossdock.entrypoints.cli.demo.books import Listed, books_of
from crossdock.entrypoints.cli.demo.clerks import Till, finance_of
from crossdock.entrypoints.cli.demo.customer_verdict import (
    DOUBT,
    ONBOARDING,
    OWNERSHIP,
    RECOGNITION,
    CustomerEvidence,
    Shown,
    with_email,
)
from crossdock.entrypoints.cli.demo.faults import Narrator
from crossdock.entrypoints.cli.demo.hub_api import HubApi
from crossdock.entrypoints.cli.demo.market import Buyer
from crossdock.entrypoints.cli.demo.stage import Stage
from crossdock.entrypoints.cli.demo.trade import Entry, Tale, company_order
from crossdock.kit.errors import CrossdockError, Unavailable

PATIENCE_SECONDS = 150.0
"""So long something may take while no order ends either: the ERP works on both, one after the other."""

LOOK_SECONDS = 0.3
APART_SECONDS = 1.0
"""Between the beginnings of two threads, so that whoever watches can read along."""

T = TypeVar("T")


class Orders(Protocol):
    """Where orders are handed in, and what became of them."""

    async def hand_in(self, entry: Entry) -> None:
        """Hand one more in."""
        ...

    def end_of(self, order_id: str) -> str:
        """How it ended; empty while it has not."""
        ...

    def ended(self) -> int:
        """How many have ended."""
        ...

    def is_activated(self, number: str) -> bool:
        """Whether the credit of the company of this number was approved, and that is done with."""
        ...


class InVainError(Exception):
    """What was waited for did not come about."""


class Customers:
    """The threads. With `decides` a steward takes care of the doubt, else it is left for whoever watches.

    `power_is_safe` is set once the hub will not be killed any more.
    """

    def __init__(
        self, stage: Stage, narrator: Narrator, orders: Orders, power_is_safe: asyncio.Event, *, decides: bool
    ) -> None:
        self._stage, self._estate = stage, stage.estate
        self._narrator, self._orders = narrator, orders
        self._power_is_safe = power_is_safe
        self._api = HubApi(stage.process.address)
        self._till = Till(stage.estate.till_settings)
        self._records: dict[str, str] = {}
        self._missed: dict[str, str] = {}
        self.seen = CustomerEvidence(erp=stage.estate.title, decides=decides)
        self.ended = 0

    async def run(self) -> None:
        """All of it, until each thread has come to its end or waited too long."""
        threads: Mapping[str, Callable[[], Coroutine[Any, Any, None]]] = {
            DOUBT: self._doubt,
            RECOGNITION: self._recognition,
            ONBOARDING: self._onboarding,
            OWNERSHIP: self._ownership,
        }
        if self._estate.kind.over_soon:
            await self._power_is_safe.wait()
        self._estate.network.lose_customer()
        self._tell(
            f"Customers come. The next one that {self._estate.title} makes is committed, and its answer is lost: "
            "the hub will ask by key, and make nobody twice."
        )
        try:
            async with asyncio.TaskGroup() as group:
                for place, (name, thread) in enumerate(threads.items()):
                    group.create_task(self._thread(name, thread, place * APART_SECONDS))
        finally:
            await self._api.close()

    async def evidence(self) -> CustomerEvidence:
        """What was seen, and what Salesforce and the ERP have now."""
        seen, shown = self.seen, {name: self._shown(record) for name, record in self._records.items()}
        seen.onboarded.at_last = shown.get(ONBOARDING, Shown())
        seen.person = shown.get(RECOGNITION, Shown())
        seen.owned.at_last = shown.get(OWNERSHIP, Shown())
        seen.doubtful.at_last = shown.get(DOUBT, Shown())
        seen.missed, seen.listed = self._missed, await self._listed()
        return seen

    # ── a company becomes a customer ────────────────────────────────────────────────────────────────

    async def _onboarding(self) -> None:
        seen, erp = self.seen.onboarded, self._estate.title
        self._tell(f"A company that nobody knows is entered in Salesforce: {people.COMPANY_NAME}.")
        record = await self._enter(ONBOARDING, people.COMPANY)
        review = await self._until("its credit to be looked at", self._credit_review)
        number = review["erp_number"]
        await self._until(
            "Salesforce to show it as provisional", self._shows(record, number=number, credit="pending")
        )
        seen.while_pending = self._shown(record)
        self._tell(f"{erp} has it once, as number {number}. It is provisional: it may not order on invoice yet.")
        seen.before = await self._order("credit pending", number)
        await self._power_is_safe.wait()
        decision = await self._api.approve_credit(review["customer_id"], people.APPROVER, people.APPROVED_TERMS)
        seen.approved_by = decision["by"]
        self._tell(f"{seen.approved_by} approves its credit over the API: {people.APPROVED_TERMS}.", good=True)

        async def activated() -> bool:
            return self._orders.is_activated(number)

        await self._until("the approval to be written down", activated)
        seen.after = await self._order("credit approved", number)
        await self._until(
            "Salesforce to show the approval", self._shows(record, status="active", credit="approved")
        )
        await self._until("Salesforce to show its terms", self._shows(record, terms=people.APPROVED_TERMS))

    async def _credit_review(self) -> Mapping[str, Any] | None:
        return next(iter(await self._api.credit_reviews()), None)

    async def _order(self, tale: Tale, number: str) -> str:
        """Order on invoice; how that ended."""
        buyer = Buyer(
            number=number,
            name=people.COMPANY_NAME,
            kind="organisation",
            currency="EUR",
            address=people.COMPANY_PLACE,
        )
        entry = company_order(tale, buyer, self._stage.market)
        await self._orders.hand_in(entry)

        async def ended() -> str:
            return self._orders.end_of(entry.order_id)

        return await self._until(f"its order {entry.order_id} to end", ended)

    # ── a person comes by two channels ──────────────────────────────────────────────────────────────

    async def _recognition(self) -> None:
        self._tell(
            f"{people.PERSON_NAME} registers; at the same moment a till takes down {people.PERSON_AT_TILL}."
        )
        record, _ = await asyncio.gather(
            self._enter(RECOGNITION, people.PERSON), self._at_till("slip-1", people.PERSON_SLIP)
        )

        async def joined() -> bool:
            await self._refuse_second("both to be recognised as one", people.PERSON_EMAIL)
            for customer_id in await self._api.find_customers(people.PERSON_EMAIL):
                records = (await self._api.customer(customer_id))["records"]
                if {each["system"] for each in records} == {"salesforce", "till", "erp"}:
                    return True
            return False

        await self._until("both to be recognised as one", joined)
        await self._until("Salesforce to show the number", self._numbered(record))
        number = self._shown(record).number
        self._tell(
            f"One person, recognised: {self._estate.title} has one customer for both, number {number}.", good=True
        )

    # ── who owns what ───────────────────────────────────────────────────────────────────────────────

    async def _ownership(self) -> None:
        seen, erp, desk = self.seen.owned, self._estate.title, self._estate.desk
        await self._power_is_safe.wait()
        seen.number = self._stage.market.traders[-1].number
        record = self._records[OWNERSHIP] = str(desk.account_of(seen.number)["Id"])
        old = await self._until("the ERP's books", self._old)
        seen.street = old.street
        # What the ERP said before the day has to be there, or what is typed now would be the first word about it.
        await self._until("Salesforce to show its terms", self._shows(record, terms=old.terms))
        await self._until("Salesforce to show where invoices go", self._shows(record, street=old.street))
        await self._until("finance", self._new_terms)
        self._tell(f"Finance gives {seen.number} other terms in {erp}: {people.OTHER_TERMS}.")
        await self._until("Salesforce to show the new terms", self._shows(record, terms=people.OTHER_TERMS))
        seen.shown_after_finance = self._shown(record).terms
        self._tell("Salesforce shows them. Now a sales rep types other terms there, and another billing address.")
        typed = {"PaymentTerms__c": people.TYPED_TERMS, "BillingStreet": people.TYPED_STREET}
        await desk.edit_customer(record, typed)
        seen.kept = await self._until("the rep's words to be refused and proposed", self._kept)
        await self._until(
            "Salesforce to show the ERP's terms again", self._shows(record, terms=people.OTHER_TERMS)
        )
        await self._until("Salesforce to show the ERP's address again", self._shows(record, street=old.street))
        self._tell(
            f"Both belong to {erp}: put right. One is refused, one a proposal to finance; none is lost.", good=True
        )

    async def _old(self) -> Listed | None:
        return next((one for one in await self._listed() if one.number == self.seen.owned.number), None)

    async def _new_terms(self) -> bool:
        estate = self._estate
        finance = finance_of(estate.erp_name, estate.erp, estate.erp_settings)
        await finance.give_terms(self.seen.owned.number, people.OTHER_TERMS)
        self.seen.owned.terms = people.OTHER_TERMS
        return True

    async def _kept(self) -> tuple[str, ...]:
        """What became of both words, once both are among what is open."""
        found = await self._api.find_customers(self._records[OWNERSHIP])
        asked = [question for each in found for question in await self._api.questions(each)]
        units = {question["field"]: question["kind"] for question in asked if question["system"] == "salesforce"}
        kept = tuple(units[unit] for unit in ("terms.code", "billing.address") if unit in units)
        return kept if len(kept) == len(("terms", "address")) else ()

    # ── who is who ──────────────────────────────────────────────────────────────────────────────────

    async def _doubt(self) -> None:
        seen, erp = self.seen.doubtful, self._estate.title
        await self._at_till("slip-2", people.FIRST_SLIP)
        await self._until(f"{erp} to have the first {people.TWO_NAME}", self._count_is(1))
        record = await self._enter(DOUBT, people.SECOND)
        review = await self._until("the doubt to be put before a steward", lambda: self._review_of(record))
        seen.review, seen.bits = review["number"], review["bits"]
        listed = await self._until("the ERP's books", self._listed)
        seen.while_open = len(with_email(listed, *people.TWO_EMAILS))
        self._tell(
            f"Two records of a {people.TWO_NAME} at one address, with different e-mails: one customer or two? "
            f"The evidence ({seen.bits:g} bits) says neither: a person does. Until then {erp} gets no second."
        )
        if not self.seen.decides:
            return
        await self._api.decide(seen.review, "not_same", people.STEWARD, people.NOT_THE_SAME)
        seen.decided_by = people.STEWARD
        self._tell(f"{people.STEWARD} decides over the API: they are two. Now {erp} gets the second.", good=True)
        await self._until(f"{erp} to have both", self._count_is(2))
        await self._until("Salesforce to show the number", self._numbered(record))

    async def _review_of(self, record: str) -> Mapping[str, Any] | None:
        await self._refuse_second("the doubt to be put before a steward", *people.TWO_EMAILS)
        for row in await self._api.reviews():
            review = await self._api.review(row["number"])
            records = [each["record"] for customer in review["customers"] for each in customer["records"]]
            if any(each.endswith(f"/{record}") for each in records):
                return row
        return None

    async def _refuse_second(self, what: str, *emails: str) -> None:
        """Raises InVainError where the ERP has two of them: nothing will mend that by itself."""
        if len(with_email(await self._listed(), *emails)) > 1:
            raise InVainError(f"{what}: {self._estate.title} has two")

    def _count_is(self, count: int) -> Callable[[], Awaitable[bool]]:
        async def counted() -> bool:
            return len(with_email(await self._listed(), *people.TWO_EMAILS)) >= count

        return counted

    # ── what all threads do ─────────────────────────────────────────────────────────────────────────

    async def _thread(
        self, name: str, thread: Callable[[], Coroutine[Any, Any, None]], after_seconds: float
    ) -> None:
        await asyncio.sleep(after_seconds)
        try:
            await thread()
        except InVainError as vain:
            self._missed[name] = str(vain)
            self._tell(f"Waited in vain for {vain}.")
        except CrossdockError as error:
            self._missed[name] = f"the end: {error.message}"
            self._tell(f"Cannot go on: {error.message}.")
        self.ended += 1

    async def _until(self, what: str, check: Callable[[], Awaitable[T | None]]) -> T:
        """What `check` finds, once it is anything. Raises InVainError."""
        loop = asyncio.get_running_loop()
        moved_at, ended = loop.time(), self._orders.ended()
        while loop.time() - moved_at < PATIENCE_SECONDS:
            if ended != self._orders.ended():
                moved_at, ended = loop.time(), self._orders.ended()
            try:
                found = await check()
            except Unavailable:
                found = None  # the ERP is down for a while on every day like this
            if found:
                return found
            await asyncio.sleep(LOOK_SECONDS)
        raise InVainError(what)

    async def _enter(self, name: str, values: Mapping[str, Any]) -> str:
        record = self._records[name] = await self._estate.desk.enter_customer(values)
        return record

    async def _at_till(self, slip: str, card: Mapping[str, Any]) -> None:
        await self._till.enter(slip, card)

    async def _listed(self) -> list[Listed]:
        return list(await books_of(self._estate.erp_name, self._estate.erp_settings).customers())

    def _shown(self, record: str) -> Shown:
        row = self._estate.desk.account(record)
        return Shown(
            number=row.get("ErpId__c") or "",
            status=row.get("AccountStatus__c") or "",
            credit=row.get("CreditStatus__c") or "",
            terms=row.get("PaymentTerms__c") or "",
            street=row.get("BillingStreet") or "",
        )

    def _shows(self, record: str, **values: str) -> Callable[[], Awaitable[bool]]:
        async def shows() -> bool:
            shown = self._shown(record)
            return all(getattr(shown, name) == value for name, value in values.items())

        return shows

    def _numbered(self, record: str) -> Callable[[], Awaitable[bool]]:
        async def numbered() -> bool:
            return bool(self._shown(record).number)

        return numbered

    def _tell(self, text: str, *, good: bool = False) -> None:
        self._narrator.tell(text, good=good)
