"""What failpoints cost: counted, for a timing would decide nothing."""

from collections import Counter

import pytest
from tests.processes.stage import HubStage

from crossdock.kit.failpoints import arm, disarm
from crossdock.testing.builders import an_order

pytestmark = pytest.mark.anyio

ORDERS = 15
PASSES_MAX = 80
"""Each is the call of an empty function, some 25 ns: at most 2 µs of an order's CPU."""


async def test_an_order_passes_few_of_them(stage: HubStage) -> None:
    passes: Counter[str] = Counter()
    await stage.take(an_order("O-first"))
    arm(lambda name: passes.update([name]))
    try:
        await stage.take(*(an_order(f"O-{number}") for number in range(ORDERS)))
    finally:
        disarm()
    assert passes["submission.accepted"] == ORDERS
    assert passes.total() / ORDERS <= PASSES_MAX, passes.most_common()
