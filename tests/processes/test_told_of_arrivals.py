"""What is told of work that is known by another key than its order's."""

from crossdock.durable.process import Happening
from crossdock.durable.records import Parking
from crossdock.kit.clock import ManualClock
from crossdock.policies.order_events import UNTRANSLATABLE
from crossdock.processes.order_submission import announce
from crossdock.testing.builders import an_order

ORDER = an_order()
POISON = "order_submission/salesforce:801000000000001AAA"


def parking(code: str) -> Parking:
    return Parking(category="repair", code=code, signature="v1:0", reason="r", owner="order-desk", severity=2)


def happening(kind: str, run_id: str, code: str) -> Happening:
    return Happening(
        kind=kind,  # type: ignore[arg-type]
        reason="because",
        parking=parking(code),
        run_id=run_id,
        correlation_id="801000000000001AAA",
    )


def test_a_repaired_arrival_ends_under_its_own_key_and_its_order_begins() -> None:
    told = announce(ORDER, happening("released", POISON, UNTRANSLATABLE), ManualClock())
    assert [(event.type, event.subject) for event in told] == [
        ("crossdock.order.refused.v1", "order/salesforce:801000000000001AAA"),
        ("crossdock.order.captured.v1", f"order/{ORDER.order_id}"),
    ]


def test_a_skipped_arrival_ends_and_its_record_is_told() -> None:
    (told,) = announce(None, happening("skipped", POISON, UNTRANSLATABLE), ManualClock())
    assert told.subject == "order/salesforce:801000000000001AAA"
    assert b'"record":"801000000000001AAA"' in told.data


def test_retrying_an_arrival_that_is_still_no_order_tells_nothing() -> None:
    assert announce(None, happening("released", POISON, UNTRANSLATABLE), ManualClock()) == ()
    assert announce(None, happening("parked", POISON, "payload"), ManualClock()) == ()


def test_another_version_of_a_submitted_order_does_not_speak_for_it() -> None:
    other = f"order_submission/{ORDER.order_id}@0123456789abcdef01234567"
    for kind in ("parked", "released", "skipped"):
        assert announce(ORDER, happening(kind, other, "changed-after-submission"), ManualClock()) == ()


def test_the_orders_own_run_speaks_for_it() -> None:
    own = f"order_submission/{ORDER.order_id}"
    (told,) = announce(ORDER, happening("skipped", own, "price-mismatch"), ManualClock())
    assert told.type == "crossdock.order.refused.v1"
