"""Orders of somebody who was erased: what was ordered, counted and paid stays, whose it was is not to be read.

An order's runs carry whom it is for: in what they began with, in what steps answered and in what they were told.
Rows of runs that have ended are written anew without that; nobody reads them to go on.
"""

from collections.abc import Collection, Mapping, Sequence
from decimal import Decimal
from typing import Any

import msgspec

from crossdock.contracts.orders import order_subject
from crossdock.durable.records import FINAL_STATES
from crossdock.identity.privacy.erasing import NAME_LEFT
from crossdock.storage.transaction import Row, Transaction

PAGE, PAGE_ORDERS = 200, 10_000
_ADDRESSES = frozenset({"addresses", "billing_address", "shipping_address"})
_PERSONAL = frozenset({"email", "name", "phone", "references"})
_CUSTOMER = "customer"
_ENDED = ", ".join(f"'{state.value}'" for state in sorted(FINAL_STATES))
_READ = msgspec.json.Decoder(float_hook=Decimal)
_WRITE = msgspec.json.Encoder(decimal_format="number")


def hashed_orders(tx: Transaction, order_ids: Collection[str]) -> list[str]:
    """By what orders are known in the log of erasures."""
    return sorted(tx.hashed(order_subject(order_id)) for order_id in order_ids)


def find_hashed(tx: Transaction, hashes: Collection[str]) -> list[str]:
    """The orders that are known by these."""
    if not hashes:
        return []
    found: list[str] = []
    page = "SELECT order_id FROM order_board WHERE order_id > ? ORDER BY order_id LIMIT ?"
    behind = ""
    while rows := tx.execute(page, (behind, PAGE_ORDERS)).fetchall():
        found += [row[0] for row in rows if tx.hashed(order_subject(row[0])) in hashes]
        behind = rows[-1][0]
    return found


def forget_orders(tx: Transaction, order_ids: Sequence[str]) -> None:
    """Let the ended runs about these orders tell of nobody. Doing so again changes nothing."""
    subjects = sorted(order_subject(order_id) for order_id in order_ids)
    for start in range(0, len(subjects), PAGE):
        page = subjects[start : start + PAGE]
        runs = tx.select_in(
            "SELECT id, input FROM run WHERE subject", page, f"AND state IN ({_ENDED}) ORDER BY id {tx.locks}"
        )
        ids = [row[0] for row in runs]
        tx.update("run", ("input",), ("id",), [(anew, row[0]) for row, anew in _changed(runs)])
        for table, name in (("journal", "step"), ("signal", "name")):
            rows = tx.select_in(f"SELECT run_id, {name}, payload FROM {table} WHERE run_id", ids)
            told = [(anew, row[0], row[1]) for row, anew in sorted(_changed(rows))]
            tx.update(table, ("payload",), ("run_id", name), told)


def _changed(rows: Sequence[Row]) -> list[tuple[Row, bytes]]:
    """The rows whose last cell tells of somebody, each with what to write in its place."""
    found = ((row, without_person(bytes(row[-1]))) for row in rows)
    return [(row, anew) for row, anew in found if anew != bytes(row[-1])]


def without_person(content: bytes) -> bytes:
    """The same without whom it is for; of what is no JSON nothing."""
    if not content:
        return content
    try:
        said = _READ.decode(content)
    except msgspec.DecodeError:
        return b"null"
    left = _left(said)
    return content if left == said else _WRITE.encode(left)


def _left(said: Any) -> Any:
    if isinstance(said, list):
        return [_left(each) for each in said]
    if not isinstance(said, dict):
        return said
    return {
        name: _of_customer(each) if name == _CUSTOMER and isinstance(each, dict) else _left(each)
        for name, each in said.items()
        if name not in _ADDRESSES
    }


def _of_customer(said: Mapping[str, Any]) -> dict[str, Any]:
    kept = {name: each for name, each in said.items() if name not in _PERSONAL | _ADDRESSES}
    return kept | {"name": NAME_LEFT}
