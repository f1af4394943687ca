"""Black Friday, small: a sound hub keeps every promise, and one that loses or starves orders is found out."""

import json
from copy import deepcopy
from html.parser import HTMLParser
from pathlib import Path

import pytest
from typer.testing import CliRunner

from crossdock.canonical.order import Order
from crossdock.canonical.status import OrderStatus
from crossdock.durable.lanes import LaneLimits
from crossdock.entrypoints.cli import rehearse
from crossdock.entrypoints.cli.exits import ExitCode
from crossdock.kit.errors import Invalid
from crossdock.ports.order_gateway import Acceptance
from crossdock.rehearsal.black_friday import day
from crossdock.rehearsal.black_friday.figures import measure, moments
from crossdock.rehearsal.black_friday.plan import Evening, check, plan
from crossdock.rehearsal.black_friday.promises import check_promises
from crossdock.rehearsal.black_friday.report import report
from crossdock.rehearsal.black_friday.story import Told
from crossdock.rehearsal.erp import VirtualErp
from crossdock.rehearsal.hub import Pace
from crossdock.storage import batch

SMALL = Evening(orders_per_hour=12, outage_minutes=5, erp_per_second=2.5)
NEVER_SECONDS = 36_000.0


@pytest.fixture(scope="module")
def told() -> Told:
    return day.play(SMALL)


def broken(told: Told) -> set[str]:
    return {promise.name for promise in check_promises(told) if not promise.held}


def test_every_promise_is_kept_and_everything_happened_that_was_to_be_borne(told: Told) -> None:
    assert broken(told) == set()
    figures = measure(told)
    assert figures.erp_throttled > 0
    assert figures.erp_refused_connections > 0
    assert figures.backlog_max > 50
    assert {sample.erp_state for sample in told.lanes} == {"open", "throttled", "closed"}
    assert any("budget runs short" in sample.feedback for sample in told.lanes), "something had to be shed"
    assert any(story.ended is OrderStatus.REFUSED for story in told.stories)
    assert "waiting for the ERP" in "".join(story.waiting_reason for story in told.stories)


def test_the_burst_is_as_large_as_it_was_planned() -> None:
    evening = Evening(orders_per_hour=60)
    arrivals = [planned.at for planned in plan(evening)]
    assert arrivals == sorted(arrivals)
    inside = [at for at in arrivals if evening.burst_at <= at < evening.burst_ends_at]
    expected = 60 / 3600 * 100 * (evening.burst_ends_at - evening.burst_at)
    assert abs(len(inside) - expected) < expected / 10
    assert abs(len(arrivals) - evening.orders_expected) < expected / 10


def test_an_evening_too_large_to_rehearse_says_so() -> None:
    with pytest.raises(Invalid, match="at most 100000"):
        check(Evening(orders_per_hour=100_000))


# ── promises that can be broken ─────────────────────────────────────────────────────────────────────


@pytest.fixture
def tampered(told: Told) -> Told:
    return deepcopy(told)


def test_an_order_that_is_not_in_the_erp_is_lost(tampered: Told) -> None:
    next(story for story in tampered.stories if story.documents).documents = ()
    assert broken(tampered) == {"nothing lost", "money equal on both sides"}


def test_an_order_that_is_there_twice_is_found(tampered: Told) -> None:
    story = next(story for story in tampered.stories if story.documents)
    story.documents = [*story.documents, *story.documents]
    assert broken(tampered) == {"nothing twice", "money equal on both sides"}


def test_who_waits_without_being_told_is_found(tampered: Told) -> None:
    for story in tampered.stories:
        story.waiting_at = None
    assert broken(tampered) == {"statuses honest"}


def test_a_refusal_that_nobody_sees_is_found(tampered: Told) -> None:
    for story in tampered.stories:
        if story.ended is OrderStatus.REFUSED:
            story.shown_at = None
    assert broken(tampered) == {"pressing statuses shown at once", "statuses honest"}


def test_late_recovery_says_what_the_erp_itself_could(tampered: Told) -> None:
    for story in tampered.stories:
        if story.decided_at is not None and SMALL.outage_at < story.arrived_at < SMALL.outage_ends_at:
            story.decided_at += 900
    promise = check_promises(tampered)[-1]
    assert not promise.held
    assert "the ERP itself takes" in promise.exceptions[-1]


@pytest.fixture
def sick_hub(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody's age counts any more, and the ERP forgets one order that it confirmed."""
    place = VirtualErp.place

    def forget_one(self: VirtualErp, order: Order, key: str) -> Acceptance:
        acceptance = place(self, order, key)
        if order.order_id == "BF-000060":
            self.documents[key].clear()
        return acceptance

    def ageless(evening: Evening) -> Pace:
        pace = day_pace(evening)
        limits = {name: getattr(pace.erp, name) for name in LaneLimits.__struct_fields__}
        return Pace(
            **{name: getattr(pace, name) for name in ("idle_seconds", "poll_seconds", "statuses_max", "shop")},
            erp=LaneLimits(**limits | {"ageing_step_seconds": NEVER_SECONDS}),
        )

    day_pace = day.pace_of
    monkeypatch.setattr(VirtualErp, "place", forget_one)
    monkeypatch.setattr(day, "pace_of", ageless)
    monkeypatch.setattr(batch, "PRIORITY_STEP_US", int(NEVER_SECONDS * 1_000_000))


@pytest.mark.usefixtures("sick_hub")
def test_a_hub_that_starves_and_an_erp_that_forgets_end_with_another_exit_code() -> None:
    options = ["--orders-per-hour", "12", "--outage-minutes", "7", "--erp-per-second", "2", "--json"]
    ended = CliRunner().invoke(rehearse.app, ["black-friday", *options])
    assert ended.exit_code == ExitCode.FAILED
    promises = {promise["name"]: promise for promise in json.loads(ended.stdout)["promises"]}
    assert not promises["late, but never starved"]["held"]
    assert "BF-000060" in promises["nothing lost"]["exceptions"][0]


# ── what is shown ───────────────────────────────────────────────────────────────────────────────────


class Page(HTMLParser):
    """What a page fetches, and its pictures."""

    def __init__(self) -> None:
        super().__init__()
        self.fetched: list[str] = []
        self.tags: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.fetched += [value or "" for name, value in attrs if name in {"src", "href"}]


def test_the_report_is_one_file_with_curves_lanes_and_promises(told: Told) -> None:
    page = Page()
    text = report(told, measure(told), check_promises(told))
    page.feed(text)
    assert page.fetched == []
    assert page.tags.count("svg") == 4
    for promise in check_promises(told):
        assert promise.name in text
    assert 'class="closed"' in text
    assert 'class="pressing"' in text


def test_the_curves_add_up_to_the_orders(told: Told) -> None:
    steps = moments(told)
    assert sum(step.arrived_per_minute for step in steps) / 4 == len(told.stories)
    assert steps[-1].backlog == 0
    at_the_end_of_the_outage = next(step for step in steps if step.at >= SMALL.outage_ends_at)
    open_then = sum(story.open_at(at_the_end_of_the_outage.at) for story in told.stories)
    assert at_the_end_of_the_outage.backlog == open_then


def test_the_command_prints_promises_and_writes_the_report(
    told: Told, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(rehearse, "play", lambda _evening, _progress: told)
    ended = CliRunner().invoke(rehearse.app, ["black-friday", "--report", str(tmp_path / "evening.html")])
    assert ended.exit_code == ExitCode.OK, ended.output
    assert "recovered within twice the outage" in ended.stdout
    assert "BROKEN" not in ended.stdout
    assert (tmp_path / "evening.html").read_text().startswith("<!doctype html>")
