"""What is personal is nowhere to be read in the database, whatever customers' changes went through."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import sql
from tests.processes.books import CustomerHub, customer_hub
from tests.processes.test_customer_storm import OWNERSHIP, come_to_rest, play
from tests.stores import Stores

from crossdock.durable.records import Commit
from crossdock.identity.golden.fields import FieldValue
from crossdock.identity.matching.record import PostalAddress, Profile
from crossdock.processes.customer_recognition import Recogniser
from crossdock.storage.schema import METADATA

pytestmark = pytest.mark.anyio

MARKED: dict[str, FieldValue] = {
    "contact.email": "zyxwv.anna@zyxwv.example",
    "contact.phone": "+49 171 5551234",
    "person.name.given": "Zyxwvanna",
    "person.name.family": "Zyxwvsen",
    "shipping.default.address.lines": ("Zyxwvgasse 12",),
    "shipping.default.address.city": "Zyxwvstadt",
    "shipping.default.address.country": "DE",
    "consents.email.status": "opt_in",
    "tax.number": "ZYXWV136695976",
}
ANNA = Profile(
    given="Zyxwvanna",
    family="Zyxwvsen",
    emails=("zyxwv.anna@zyxwv.example",),
    addresses=(PostalAddress(lines=("Zyxwvgasse 12",), postcode="80331", city="Zyxwvstadt", country="DE"),),
)
STORM = [
    ("edit", "crm", 0, 1),
    ("deliver", "crm", "doubled", 0),
    ("edit", "erp", 1, 30),
    ("edit", "crm", 8, 1),
    ("fault", "erp", 0, 0),
    ("deliver", "erp", "reversed", 0),
    ("edit", "erp", 2, 400),
    ("deliver", "crm", "whole", 0),
]


async def weather(hub: CustomerHub) -> None:
    """Marked customers on both sides, a storm over them, and an index that knows them."""
    numbers = {system: hub.books[system].make({"kind": "person", **MARKED}) for system in hub.books}
    await hub.link(numbers)
    await play(hub, numbers, STORM)
    hub.books["crm"].edit(numbers["crm"], {**MARKED, "contact.email": "other.zyxwv@zyxwv.example"})
    hub.books["erp"].make({"kind": "person", **MARKED})
    await come_to_rest(hub)
    recogniser = Recogniser(hub.store)

    async def submit(commit: Commit) -> Any:
        return (await hub.store.apply([commit], hub.clock.now()))[0]

    for record in ("crm/partner/1", "shop/user/2"):
        await recogniser.place(submit, record, ANNA)
    assert (await hub.holds("crm", numbers["crm"]))["person.name"].values["person.name.given"] == "Zyxwvanna"


def everything_in_postgres(dsn: str) -> bytes:
    with psycopg.connect(dsn) as connection:
        rows = [
            row
            for table in METADATA.tables
            for row in connection.execute(sql.SQL("SELECT * FROM {}").format(sql.Identifier(table))).fetchall()
        ]
    return repr(rows).encode()


def everything_in_files(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in folder.iterdir() if path.is_file())


@pytest.fixture
async def hub(databases: Stores) -> AsyncIterator[CustomerHub]:
    async with customer_hub(databases, OWNERSHIP) as hub:
        yield hub


async def test_no_personal_value_is_in_the_database_or_a_log_after_a_storm(
    hub: CustomerHub,
    request: pytest.FixtureRequest,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    await weather(hub)
    if hub.stores.kind == "postgres":
        stored = everything_in_postgres(request.getfixturevalue("migrated_postgres"))
    else:
        stored = everything_in_files(tmp_path)
    assert b"customer_update" in stored, "this is the database that they went through"
    logged = "".join(capfd.readouterr()) + caplog.text
    for said in (stored.lower(), logged.lower().encode()):
        assert b"zyxwv" not in said
        assert b"5551234" not in said
