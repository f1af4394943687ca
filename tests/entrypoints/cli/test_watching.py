"""Systems, lanes, stock and events by the command line."""

import json
from pathlib import Path

from tests.entrypoints.cli.conftest import Cli
from tests.entrypoints.cli.work import a_good_order, let_hub_work

from crossdock.entrypoints.cli.exits import ExitCode


def test_a_system_that_answers_is_well(cli: Cli) -> None:
    told = cli("systems", "check", "--json")
    assert told.code == ExitCode.OK
    (report,) = told.json
    assert (report["system"], report["ok"], report["product"], report["lane"]) == (
        "erp",
        True,
        "Memory ERP 1.0",
        "open",
    )
    assert "✓" in cli("systems", "check").out


def test_a_system_that_does_not_answer_makes_the_check_fail(cli: Cli, deployment: Path) -> None:
    (deployment / "systems.yaml").write_text(
        "erp: {adapter: memory, settings: {url: 'http://127.0.0.1:9', secret: x}}\n"
    )
    told = cli("systems", "check")
    assert told.code == ExitCode.FAILED
    assert "✗" in told.out
    assert cli("systems", "check", "--json").json[0]["ok"] is False


def test_systems_tell_what_they_are_used_for(cli: Cli) -> None:
    (system,) = cli("systems", "list", "--json").json
    assert system["used_for"] == ["ERP", "customers", "products", "prices", "stock"]
    assert "Small ERP" in cli("systems", "list").out


def test_a_lane_is_paused_with_a_reason_and_resumed(cli: Cli) -> None:
    assert cli("lanes", "pause", "erp", "--reason", " ").code == ExitCode.REFUSED
    assert cli("lanes", "pause", "erp", "--reason", "closing the books").code == ExitCode.OK
    (lane,) = cli("lanes", "list", "--json").json
    assert lane["status"] == "paused"
    assert lane["detail"].endswith(": closing the books")
    assert "closing the books" in cli("lanes", "list").out
    assert "paused" in cli("systems", "check").out
    assert cli("lanes", "resume", "erp").out.strip() == "erp is open"
    latest, first = cli("lanes", "history", "erp", "--json").json
    assert (latest["verb"], first["verb"], first["reason"]) == ("resume", "pause", "closing the books")
    assert lane["detail"] == f"{first['actor']}: closing the books"
    assert "closing the books" in cli("lanes", "history", "erp").out


def test_an_unknown_lane_is_not_found(cli: Cli) -> None:
    told = cli("lanes", "resume", "crm")
    assert told.code == ExitCode.NOT_FOUND
    assert "erp" in told.err


def test_stock_is_taken_over_from_its_master(cli: Cli) -> None:
    assert cli("stock", "load", "--json").json == {"levels": 80}


def test_events_are_cloud_events_one_per_line(cli: Cli, deployment: Path) -> None:
    let_hub_work(deployment, a_good_order("O-1"), a_good_order("O-2"))
    told = cli("events", "tail", "--no-follow", "--json")
    events = [json.loads(line) for line in told.out.splitlines()]
    assert [event["sequence"] for event in events] == sorted(event["sequence"] for event in events)
    assert {event["specversion"] for event in events} == {"1.0"}
    accepted = cli("events", "tail", "--no-follow", "--type", "accepted", "--last", "1").out
    assert accepted.count("order.accepted") == 1
    ours = cli("events", "tail", "--no-follow", "--json", "--subject", "order/O-2").out.splitlines()
    assert {json.loads(line)["subject"] for line in ours} == {"order/O-2"}
    after = cli("events", "tail", "--no-follow", "--json", "--after", str(int(events[-2]["sequence"])))
    assert len(after.out.splitlines()) == 1


def test_who_gets_events_and_once_more_from_here(cli: Cli, deployment: Path) -> None:
    (deployment / "routes.yaml").write_text("{erp: erp, event_sinks: [erp]}\n")
    let_hub_work(deployment, a_good_order("O-1"), a_good_order("O-2"))
    consumers = {each["consumer"]: each for each in cli("events", "consumers", "--json").json}
    assert set(consumers) == {"events:erp", "order_board"}
    assert consumers["order_board"]["behind"] == 0
    assert "events:erp" in cli("events", "consumers").out
    again = cli("events", "replay", "erp", "--after", "0", "--subject", "order/O-2", "--reason", "lost there")
    assert again.code == ExitCode.OK
    assert again.out.strip() == "3 events published again to erp"
    unknown = cli("events", "replay", "crm", "--after", "0", "--reason", "x")
    assert unknown.code == ExitCode.REFUSED
    assert "sink-unknown" in unknown.err
    assert cli("events", "replay", "erp", "--after", "0", "--reason", " ").code == ExitCode.REFUSED
