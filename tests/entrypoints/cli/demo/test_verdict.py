"""The verdict is worth something: each promise that is broken on purpose is found broken, and only that one."""

from decimal import Decimal
from typing import Any

import pytest
from msgspec.structs import replace
from tests.entrypoints.cli.demo.days import accepted, captured, entry, refused, watched

from crossdock.canonical.order import Order
from crossdock.entrypoints.cli.demo.books import Booked
from crossdock.entrypoints.cli.demo.verdict import Evidence, judge
from crossdock.processes.order_submission import erp_key
from crossdock.testing.builders import a_line, an_order


def order(index: int, product: str = "P-1") -> Order:
    return an_order(f"O-{index}", lines=[a_line("1", product=product, quantity="2", price="12.50")])


EVENTS = (
    captured("O-1"),
    accepted("O-1", "S1"),
    captured("O-2"),
    accepted("O-2", "S2"),
    captured("O-3"),
    refused("O-3", "customer-blocked"),
)
GOOD = Evidence(
    handed={"O-1": entry(1), "O-2": entry(2), "O-3": entry(3, "blocked customer")},
    turned_away={"O-9": 400},
    inputs={"O-1": order(1), "O-2": order(2, "SCARCE"), "O-3": order(3)},
    booked=[
        Booked(reference=erp_key(f"O-{index}"), number=f"S{index}", currency="EUR", net=Decimal("25.00"))
        for index in (1, 2)
    ],
    shown={"O-1": "Accepted", "O-2": "Accepted", "O-3": "Refused"},
    scarce_product="SCARCE",
    scarce_pieces=6,
    writes_at_once_peak=2,
    writes_at_once_max=2,
)
BROKEN: dict[str, tuple[Evidence, tuple[Any, ...], set[str]]] = {
    "an order nobody has": (
        replace(GOOD, handed={**GOOD.handed, "O-4": entry(4)}),
        EVENTS,
        {"orders lost", "ended as it had to"},
    ),
    "an order that never ends": (
        replace(GOOD, handed={**GOOD.handed, "O-4": entry(4)}),
        (*EVENTS, captured("O-4")),
        {"orders lost", "ended as it had to"},
    ),
    "an order twice in the ERP": (
        replace(GOOD, booked=[*GOOD.booked, replace(GOOD.booked[0], number="S7", net=Decimal("0.00"))]),
        EVENTS,
        {"duplicates in the ERP"},
    ),
    "accepted here, absent there": (
        replace(GOOD, booked=GOOD.booked[:1]),
        EVENTS,
        {"accepted here = in the ERP", "money equal on both sides"},
    ),
    "refused here, booked there": (
        replace(GOOD, booked=[*GOOD.booked, replace(GOOD.booked[0], reference=erp_key("O-3"), number="S3")]),
        EVENTS,
        {"accepted here = in the ERP"},
    ),
    "another number": (GOOD, (*EVENTS, accepted("O-2", "S9")), {"accepted here = in the ERP"}),
    "a cent too few": (
        replace(GOOD, booked=[GOOD.booked[0], replace(GOOD.booked[1], net=Decimal("24.99"))]),
        EVENTS,
        {"money equal on both sides"},
    ),
    "refused for another reason": (GOOD, (*EVENTS, refused("O-3", "out-of-stock")), {"ended as it had to"}),
    "a bad message let in": (replace(GOOD, turned_away={"O-9": 202}), EVENTS, {"ended as it had to"}),
    "a crash for a bad message": (replace(GOOD, turned_away={"O-9": 500}), EVENTS, {"ended as it had to"}),
    "sold more than there was": (replace(GOOD, scarce_pieces=1), EVENTS, {"nothing promised twice"}),
    "a wrong status in Salesforce": (
        replace(GOOD, shown={**GOOD.shown, "O-1": "Waiting"}),
        EVENTS,
        {"status shown in Salesforce"},
    ),
    "too much at once": (replace(GOOD, writes_at_once_peak=3), EVENTS, {"ERP protected"}),
}


def broken_promises(evidence: Evidence, events: tuple[Any, ...]) -> set[str]:
    return {promise.name for promise in judge(evidence, watched(*events)) if not promise.held}


def test_a_good_day_keeps_every_promise() -> None:
    assert broken_promises(GOOD, EVENTS) == set()


@pytest.mark.parametrize("case", BROKEN)
def test_a_broken_promise_is_found(case: str) -> None:
    evidence, events, expected = BROKEN[case]
    assert broken_promises(evidence, events) == expected
