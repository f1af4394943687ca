"""Parked work by the command line: seen, understood, and put right, one or many, each with a reason."""

from pathlib import Path

import msgspec
import pytest
from tests.entrypoints.cli.conftest import Cli
from tests.entrypoints.cli.work import a_good_order, as_file, let_hub_work

from crossdock.entrypoints.cli.exits import ExitCode

DEAR = "9.99"


@pytest.fixture
def parked(deployment: Path) -> Path:
    """Three orders at a price that the list does not know, one good one."""
    orders = [a_good_order(f"O-{number}", price=DEAR) for number in (1, 2, 3)]
    let_hub_work(deployment, *orders, a_good_order("O-9"))
    return deployment


@pytest.mark.usefixtures("deployment")
def test_nothing_parked_is_good_news(cli: Cli) -> None:
    told = cli("parked", "list")
    assert (told.code, told.out) == (ExitCode.OK, "")
    assert "Nothing is parked" in told.err


@pytest.mark.usefixtures("parked")
def test_parked_work_is_listed_with_cause_owner_and_stake(cli: Cli) -> None:
    told = cli("parked", "list")
    for words in ("O-1", "price-mismatch", "order-desk", "9.99 EUR"):
        assert words in told.out
    assert "O-9" not in told.out
    (cause,) = cli("parked", "list", "--by-cause", "--json").json
    assert cause["count"] == 3
    assert cli("parked", "list", "--like", cause["signature"], "--json").json[0]["signature"] == cause["signature"]
    assert "price-mismatch" in cli("parked", "list", "--by-cause").out


@pytest.mark.usefixtures("parked")
def test_one_in_full_tells_the_path_and_what_a_retry_repeats(cli: Cli) -> None:
    told = cli("parked", "show", "O-1")
    for words in ("$.lines[0].unit_price.amount", "stays done", "enrich", "v1:"):
        assert words in told.out
    preview = cli("parked", "show", "order_submission/O-1", "--json").json["preview"]
    assert preview["stays_done"] == ["enrich"]


@pytest.mark.usefixtures("parked")
def test_a_repaired_value_goes_on_and_the_audit_says_who_and_why(cli: Cli, deployment: Path) -> None:
    told = cli("parked", "repair", "O-1", "--set", "$.lines[0].unit_price.amount=1.00", "-r", "agreed", "--yes")
    assert told.code == ExitCode.OK, told.err
    assert "9.99 → 1.00" in told.err
    let_hub_work(deployment)
    assert cli("orders", "list", "O-1", "--json").json["orders"][0]["status"] == "accepted"
    assert "agreed" in cli("orders", "show", "O-1").out


@pytest.mark.usefixtures("parked")
def test_a_whole_new_input_can_be_put_in(cli: Cli, deployment: Path, tmp_path: Path) -> None:
    old = msgspec.json.decode(cli("parked", "show", "O-2", "--input").out)
    assert old["lines"][0]["unit_price"]["amount"] == DEAR
    file = as_file(tmp_path / "order.json", a_good_order("O-2"))
    assert cli("parked", "repair", "O-2", "--input", file, "-r", "price list was old", "--yes").code == ExitCode.OK
    let_hub_work(deployment)
    assert cli("orders", "list", "O-2", "--json").json["orders"][0]["status"] == "accepted"


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("--set", "$.lines[7].unit_price.amount=1"), "path-unknown"),
        (("--set", "lines of it=1"), "path-wrong"),
        (("--set", "$.currency"), "option-wrong"),
        (("--set", "$.currency=euro"), "payload"),
        (("--result", "submit_to_erp={"), "payload"),
        ((), "nothing-to-repair"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
@pytest.mark.usefixtures("parked")
def test_a_repair_that_does_not_fit_changes_nothing(cli: Cli, words: tuple[str, ...], code: str) -> None:
    told = cli("parked", "repair", "O-1", *words, "--reason", "try", "--yes")
    assert told.code == ExitCode.REFUSED
    assert code in told.err
    assert cli("parked", "show", "O-1").code == ExitCode.OK


@pytest.mark.usefixtures("parked")
def test_many_are_previewed_and_not_touched_unless_somebody_says_yes(cli: Cli) -> None:
    signature = cli("parked", "list", "--json").json[0]["signature"]
    told = cli("parked", "skip", "--all-like", signature, "--reason", "test data")
    assert told.code == ExitCode.USAGE
    assert "--yes" in told.err
    assert len(cli("parked", "list", "--json").json) == 3
    told = cli("parked", "skip", "--all-like", signature, "--reason", "test data", "--yes")
    assert told.code == ExitCode.OK
    assert "STOPPED AT" in told.err
    assert "3 of 3" in told.out
    assert cli("parked", "list", "--json").json == []


@pytest.mark.usefixtures("parked")
def test_retry_and_assign_do_what_they_say(cli: Cli, deployment: Path) -> None:
    assert cli("parked", "assign", "O-1", "--to", "pricing").code == ExitCode.OK
    assert cli("parked", "show", "O-1", "--json").json["owner"] == "pricing"
    assert cli("parked", "retry", "O-3", "--json").json["done"] == ["order_submission/O-3"]
    let_hub_work(deployment)
    statuses = {row["order_id"]: row["status"] for row in cli("orders", "list", "--json").json["orders"]}
    assert statuses == {**dict.fromkeys(("O-1", "O-2", "O-3"), "needs_attention"), "O-9": "accepted"}


@pytest.mark.usefixtures("parked")
def test_compensated_work_is_refused_with_the_reason_that_was_given(cli: Cli, deployment: Path) -> None:
    assert cli("parked", "compensate", "O-2", "--reason", "The customer has withdrawn it.").code == ExitCode.OK
    let_hub_work(deployment)
    (row,) = cli("orders", "list", "O-2", "--json").json["orders"]
    assert (row["status"], row["reason"]) == ("refused", "The customer has withdrawn it.")


@pytest.mark.usefixtures("parked")
def test_what_is_not_parked_cannot_be_put_right(cli: Cli) -> None:
    assert cli("parked", "retry", "O-9").code == ExitCode.REFUSED
    assert cli("parked", "retry", "O-404").code == ExitCode.NOT_FOUND
    assert cli("parked", "retry").code == ExitCode.USAGE
    assert cli("parked", "skip", "O-1", "--reason", "  ").code == ExitCode.REFUSED
    assert cli("parked", "retry", "--all-like", "v1:nothing").code == ExitCode.NOT_FOUND
