"""Orders by the command line: handed in once, found by any number, their journey drawn."""

from pathlib import Path

import msgspec
import pytest
from tests.entrypoints.cli.conftest import Cli
from tests.entrypoints.cli.work import a_good_order, as_file, let_hub_work

from crossdock.entrypoints.cli.exits import ExitCode
from crossdock.testing.builders import a_line, an_order


def test_an_empty_board_says_how_to_get_an_order(cli: Cli) -> None:
    told = cli("orders", "list")
    assert told.code == ExitCode.OK
    assert "crossdock orders submit" in told.err


def test_the_same_order_is_taken_once_and_other_content_is_not_taken(cli: Cli, tmp_path: Path) -> None:
    file = as_file(tmp_path / "order.json", a_good_order())
    assert cli("orders", "submit", file, "--json").json == {"O-1": "taken"}
    assert cli("orders", "submit", file, "--json").json == {"O-1": "known"}
    other = as_file(tmp_path / "other.json", a_good_order(price="1.00"))
    told = cli("orders", "submit", other)
    assert told.code == ExitCode.REFUSED
    assert "O-1" in told.out


def test_many_orders_come_in_a_list_or_one_per_line(cli: Cli, tmp_path: Path) -> None:
    orders = [a_good_order(f"O-{number}") for number in range(3)]
    assert len(cli("orders", "submit", as_file(tmp_path / "list.json", *orders), "--json").json) == 3
    lines = b"\n".join(msgspec.json.encode(a_good_order(f"P-{number}")) for number in range(250)) + b"\n"
    told = cli("orders", "submit", "-", "--json", stdin=lines)
    assert set(told.json.values()) == {"taken"}
    assert len(told.json) == 250


def test_everything_wrong_with_a_file_is_told_and_nothing_of_it_taken(cli: Cli, tmp_path: Path) -> None:
    good = msgspec.to_builtins(a_good_order())
    wrong = [
        good,
        {**good, "order_id": "with blank", "currency": "EUR"},
        {**good, "order_id": "O-2", "currency": "euro", "lines": [], "surprise": 1},
        {**good, "order_id": "O-3", "lines": [*good["lines"], *good["lines"]]},
    ]
    file = tmp_path / "orders.json"
    file.write_bytes(msgspec.json.encode(wrong))
    told = cli("orders", "submit", str(file))
    assert told.code == ExitCode.REFUSED
    for place in ("$[1].order_id", "$[2].currency", "$[2].lines", "$[2].surprise", "$[3].lines[1].line_id"):
        assert place in told.err
    assert cli("events", "tail", "--no-follow").out == ""


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b'{"order_id": NaN}', b"\xff\xfe{}", b"[" * 100_000, b"null", b"[]"],
    ids=["empty", "cut", "nan", "bad utf-8", "abyss", "null", "no order"],
)
def test_what_is_no_order_is_refused_with_a_place(cli: Cli, content: bytes) -> None:
    told = cli("orders", "submit", "-", stdin=content)
    assert told.code == ExitCode.REFUSED
    assert "Traceback" not in told.err
    assert told.err.startswith("error orders-")


def test_a_missing_file_is_one_line(cli: Cli, tmp_path: Path) -> None:
    told = cli("orders", "submit", str(tmp_path / "nowhere.json"))
    assert (told.code, "file-unreadable" in told.err) == (ExitCode.REFUSED, True)


def test_orders_are_listed_with_their_counts_and_found_by_any_number(cli: Cli, deployment: Path) -> None:
    bad = an_order("O-3", lines=[a_line(product="P-000")])
    let_hub_work(deployment, a_good_order("O-1"), a_good_order("O-2", customer="C-1002"), bad)
    listed = cli("orders", "list", "--json").json
    assert listed["counts"]["accepted"] == 2
    assert listed["counts"]["refused"] == 1
    assert {row["order_id"] for row in listed["orders"]} == {"O-1", "O-2", "O-3"}
    number = next(row["erp_number"] for row in listed["orders"] if row["order_id"] == "O-2")
    for known in (number, "C-1002", "o-2"):
        assert [row["order_id"] for row in cli("orders", "list", known, "--json").json["orders"]] == ["O-2"]
    refused = cli("orders", "list", "--status", "refused")
    assert "P-000" in refused.out
    assert "O-1" not in refused.out


def test_a_journey_tells_moments_lines_and_reasons(cli: Cli, deployment: Path) -> None:
    lines = [a_line("1", price="1.005"), a_line("2", product="P-000")]
    let_hub_work(deployment, an_order("O-1", lines=lines))
    told = cli("orders", "show", "O-1")
    assert told.code == ExitCode.OK
    for words in ("Captured", "Stock held", "Partly accepted as SO-", "Small ERP", "product-unknown", "P-000"):
        assert words in told.out
    number = cli("orders", "list", "--json").json["orders"][0]["erp_number"]
    assert cli("orders", "show", number, "--json").json["order_id"] == "O-1"


def test_an_order_that_no_hub_has_worked_on_yet_can_be_seen(cli: Cli, tmp_path: Path) -> None:
    cli("orders", "submit", as_file(tmp_path / "order.json", a_good_order()))
    told = cli("orders", "show", "O-1")
    assert told.code == ExitCode.OK
    assert "About to be worked on" in told.out
    assert "is brought up to date by a hub that is up" in cli("orders", "list").err


def test_an_unknown_number_is_not_found_and_a_shared_one_names_its_orders(cli: Cli, deployment: Path) -> None:
    assert cli("orders", "show", "O-404").code == ExitCode.NOT_FOUND
    let_hub_work(deployment, a_good_order("O-1"), a_good_order("O-2"))
    told = cli("orders", "show", "C-1001")
    assert told.code == ExitCode.REFUSED
    assert "O-1" in told.err
    assert "O-2" in told.err


def test_words_of_others_neither_colour_nor_move_the_terminal(cli: Cli, deployment: Path) -> None:
    let_hub_work(deployment, an_order("O-1", lines=[a_line(product="P[red]\x1b[2J[/]X")]))
    for told in (cli("orders", "show", "O-1"), cli("orders", "list")):
        assert "\x1b" not in told.out
        assert "P[red]" in told.out
