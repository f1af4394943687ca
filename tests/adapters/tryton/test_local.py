"""A Tryton of one's own: installed and seeded once, copied ever after, and never half."""

import ast
import asyncio
import importlib.util
import os
import stat
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import psycopg
import pytest
from tests.adapters.tryton.bench import client_of

from crossdock.adapters.tryton.local import LocalTryton, estate, server
from crossdock.adapters.tryton.local.database import PostgresDatabases, SqliteDatabases
from crossdock.adapters.tryton.local.server import Server
from crossdock.adapters.tryton.local.template import ADMIN_USER
from crossdock.kit.errors import Misconfigured, Unavailable

pytestmark = pytest.mark.anyio


def private(path: Path) -> bool:
    return stat.S_IMODE(path.stat().st_mode) == 0o600


def names_in(directory: Path) -> list[str]:
    return sorted(path.name for path in directory.iterdir())


@pytest.mark.tryton
async def test_a_build_that_is_stopped_leaves_nothing(tmp_path: Path) -> None:
    begun = asyncio.Event()
    local = LocalTryton(tmp_path / "run", cache_directory=tmp_path / "cache")

    def watch(_stage: str, done: int, _total: int) -> None:
        if done > 5:
            begun.set()

    build = asyncio.create_task(local.start(watch))
    await begun.wait()
    build.cancel()
    await asyncio.gather(build, return_exceptions=True)
    await local.stop()

    assert names_in(tmp_path / "cache") == []


@pytest.mark.tryton
async def test_a_start_is_a_fresh_copy_unless_the_last_one_is_kept(tmp_path: Path) -> None:
    names = []
    for keep in (False, True, False):
        local = LocalTryton(tmp_path, keep=keep)
        await local.start()
        admin = client_of(local, ADMIN_USER)
        await admin.open()
        (party,) = await admin.search_read("party.party", [("code", "=", "C-1001")], ["name"])
        names.append(party["name"])
        await admin.write("party.party", [party["id"]], {"name": "Renamed"})
        await admin.close()
        await local.stop()

    assert names == ["Alpenblick Sporthandel", "Renamed", "Alpenblick Sporthandel"]
    assert all(private(tmp_path / name) for name in ("passwords.json", "trytond.conf", "erp.sqlite"))


async def test_without_tryton_it_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _name: None)

    with pytest.raises(Misconfigured, match=r"crossdock\[tryton\]"):
        await LocalTryton(tmp_path).start()


@pytest.mark.tryton
async def test_a_server_that_does_not_start_shows_the_end_of_its_log(tmp_path: Path) -> None:
    broken = Server(tmp_path, {"uri": "nonsense://"}, "erp")

    with pytest.raises(Unavailable, match="nonsense"):
        await broken.start()


def test_a_database_nobody_can_make_is_misconfigured(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured):
        LocalTryton(tmp_path, database="mysql://root@127.0.0.1/erp")


async def test_a_server_for_databases_that_is_down_is_unavailable(tmp_path: Path) -> None:
    databases = PostgresDatabases("postgresql://root@127.0.0.1:1/postgres")

    with pytest.raises(Unavailable):
        await databases.exists("anything")


async def test_a_copied_file_has_no_log_of_an_earlier_life(tmp_path: Path) -> None:
    databases = SqliteDatabases(tmp_path)
    await databases.create("template")
    (tmp_path / "erp.sqlite-wal").write_bytes(b"from before")

    await databases.copy("template", "erp")

    assert names_in(tmp_path) == ["erp.sqlite", "template.sqlite"]


@pytest.mark.postgres
async def test_a_template_that_is_there_already_is_not_replaced(
    new_postgres_database: Callable[[], str],
) -> None:
    present, late = new_postgres_database(), new_postgres_database()
    with psycopg.connect(present, autocommit=True) as connection:
        connection.execute("create table first_come ()")
    databases = PostgresDatabases(present)
    names = [dsn.rpartition("/")[2] for dsn in (late, present)]

    await databases.rename(*names)

    assert not await databases.exists(names[0])
    with psycopg.connect(present) as connection:
        assert connection.execute("select to_regclass('first_come')").fetchone() != (None,)


def test_the_estate_is_plain_data() -> None:
    tree = ast.parse(Path(str(estate.__file__)).read_text("utf-8"))
    imported = {
        node.module if isinstance(node, ast.ImportFrom) else node.names[0].name
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
    }

    assert imported == {"decimal", "typing", "msgspec"}


def test_the_estate_names_everything_once() -> None:
    assert len({product.code for product in estate.PRODUCTS}) == len(estate.PRODUCTS) == 44
    assert len({customer.number for customer in estate.CUSTOMERS}) == len(estate.CUSTOMERS) == 60
    assert {customer.number: customer.state for customer in estate.CUSTOMERS if customer.state != "open"} == {
        "C-1059": "blocked",
        "C-1060": "closed",
    }
    assert {customer.currency for customer in estate.CUSTOMERS} == set(estate.RATES)
    assert all(set(product.stock) == {"BER", "LDN", "NWK"} for product in estate.PRODUCTS)


def test_trade_customers_pay_less_for_more() -> None:
    trade, retail = estate.CUSTOMERS[0], estate.CUSTOMERS[24]
    tent = estate.PRODUCTS[0]

    assert (trade.kind, retail.kind) == ("organisation", "person")
    assert [estate.price(tent, trade, count) for count in (1, 9, 10, 49, 50)] == [
        Decimal("151.9200"),
        Decimal("151.9200"),
        Decimal("142.4250"),
        Decimal("142.4250"),
        Decimal("132.9300"),
    ]
    assert estate.price(tent, retail, 50) == Decimal("189.9000")


def test_our_environment_does_not_configure_tryton(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRYTOND_CONFIG", "elsewhere.conf")
    assert "TRYTOND_CONFIG" in os.environ
    assert "TRYTOND_CONFIG" not in server._environment()
