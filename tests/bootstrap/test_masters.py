"""Masters are asked together, and nobody waits behind those who came later."""

import asyncio
from collections.abc import Mapping, Sequence

import pytest

from crossdock.bootstrap.masters import Customers
from crossdock.durable.lanes import CURRENT_PRIORITY, CURRENT_SINCE
from crossdock.identity.onboarding.ledger import Standing
from crossdock.ports.directories import CustomerRecord

pytestmark = pytest.mark.anyio


class Directory:
    """Knows everybody; each question is answered when the test says so."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, ...]] = []
        self.may_answer = asyncio.Event()
        self.answers = asyncio.Event()

    async def find_customers(self, numbers: Sequence[str]) -> Mapping[str, CustomerRecord]:
        self.asked.append(tuple(numbers))
        await self.may_answer.wait()
        self.answers.set()
        return {number: CustomerRecord(number=number, name=number) for number in numbers}


def ask(customers: Customers, number: str, *, since: int = 1_000, priority: int = 5) -> asyncio.Task[bool]:
    """Ask as work would that began then."""

    async def find() -> bool:
        CURRENT_SINCE.set(since)
        CURRENT_PRIORITY.set(priority)
        return number in await customers.find_customers([number])

    return asyncio.get_running_loop().create_task(find())


async def settled() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_questions_of_later_work_are_asked_together() -> None:
    directory = Directory()
    customers = Customers(directory)
    asking = [ask(customers, "C-1")]
    await settled()
    asking += [ask(customers, f"C-{index}", since=2_000) for index in (2, 3, 4)]
    await settled()
    assert directory.asked == [("C-1",)]

    directory.may_answer.set()

    assert all(await asyncio.gather(*asking))
    assert directory.asked == [("C-1",), ("C-2", "C-3", "C-4")]


@pytest.mark.parametrize("urgent", [{"since": 500}, {"priority": 1}], ids=["older", "more urgent"])
async def test_older_or_more_urgent_work_asks_for_itself(urgent: dict[str, int]) -> None:
    directory = Directory()
    customers = Customers(directory)
    asking = [ask(customers, "C-1"), ask(customers, "C-2")]
    await settled()
    asking.append(ask(customers, "C-3", **urgent))
    await settled()

    assert directory.asked == [("C-1", "C-2"), ("C-3",)]
    directory.may_answer.set()
    assert all(await asyncio.gather(*asking))


async def test_who_asks_in_the_moment_of_the_answer_is_answered_too() -> None:
    directory = Directory()
    customers = Customers(directory)

    async def at_the_last_moment() -> bool:
        CURRENT_SINCE.set(2_000)
        await directory.answers.wait()
        return "C-2" in await customers.find_customers(["C-2"])

    asking = [ask(customers, "C-1"), asyncio.get_running_loop().create_task(at_the_last_moment())]
    await settled()
    directory.may_answer.set()

    assert all(await asyncio.wait_for(asyncio.gather(*asking), 10))


async def test_who_may_not_order_on_invoice_is_asked_each_time_and_never_remembered() -> None:
    standing: dict[str, Standing] = {}
    asked: list[str] = []

    async def find_standing(numbers: Sequence[str]) -> Mapping[str, Standing]:
        asked.extend(numbers)
        return {number: standing[number] for number in numbers if number in standing}

    class Directory:
        async def find_customers(self, numbers: Sequence[str]) -> Mapping[str, CustomerRecord]:
            return {number: CustomerRecord(number=number, name="") for number in numbers}

    customers = Customers(Directory(), find_standing)
    assert (await customers.find_customers(["C-1"]))["C-1"].standing == ""
    standing["C-1"] = "credit_pending"
    assert (await customers.find_customers(["C-1"]))["C-1"].standing == "credit_pending"
    standing.clear()
    assert (await customers.find_customers(["C-1"]))["C-1"].standing == ""
    assert asked == ["C-1"] * 3
