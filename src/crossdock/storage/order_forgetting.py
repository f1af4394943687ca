"""Orders of somebody who was erased: what was ordered, counted and paid stays, whose it was is not to be read.

An order's runs carry whom it is for: in what they began with, in what steps answered and in what they were told.
Rows of runs that have ended are written anew without that; nobody reads them to go on.
"""

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from decimal import Decimal
from re import Pattern
from typing import Any

import msgspec

from crossdock.contracts.orders import order_subject
from crossdock.durable.records import FINAL_STATES
from crossdock.identity.privacy.erasing import NAME_LEFT
from crossdock.storage.sealing import run_subject
from crossdock.storage.transaction import Row, Transaction

PAGE, PAGE_ORDERS = 200, 10_000
_ADDRESSES = frozenset({"addresses", "billing_address", "shipping_address"})
_PERSONAL = frozenset({"email", "name", "phone", "references"})
_CUSTOMER = "customer"
_WORDS = frozenset({"email", "lines", "name", "phone"})
WORD_MIN = 3
"""Shorter parts of a name stand in too many words that tell of nobody."""
_FREE = frozenset({"comment", "description", "message", "note", "notes", "reason", "text"})
"""Where people write what they like."""
_TOLD: Mapping[str, str] = {"journal": "step", "signal": "name"}
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
            "SELECT id, result, input FROM run WHERE subject",
            page,
            f"AND state IN ({_ENDED}) ORDER BY id {tx.locks}",
        )
        ids = [row[0] for row in runs]
        told = {
            table: sorted(tx.select_in(f"SELECT run_id, {name}, payload FROM {table} WHERE run_id", ids))
            for table, name in _TOLD.items()
        }
        words = personal_words([bytes(row[-1]) for rows in (runs, *told.values()) for row in rows])
        is_new = _renew_keys(tx, page)
        anew = [(row[1], content, row[0]) for row, content in _changed(runs, words, of_all=is_new)]
        tx.update("run", ("result", "input"), ("id",), anew)
        for table, name in _TOLD.items():
            rows = [(content, row[0], row[1]) for row, content in _changed(told[table], words, of_all=is_new)]
            tx.update(table, ("payload",), ("run_id", name), rows)
        orders = [subject.removeprefix(order_subject("")) for subject in page]
        tx.ask_in("DELETE FROM order_trace WHERE order_id", orders, "RETURNING order_id").fetchall()


def _renew_keys(tx: Transaction, subjects: Sequence[str]) -> bool:
    """Where orders are sealed, destroy what they were sealed with: earlier copies of their rows open no more.

    Whether anything was: then all their rows have to be written anew. Not while any run of theirs is at work.
    """
    at_work = tx.select_in("SELECT subject FROM run WHERE subject", subjects, f"AND state NOT IN ({_ENDED})")
    hashed = sorted(tx.hashed(run_subject(subject)) for subject in set(subjects) - {row[0] for row in at_work})
    gone = tx.ask_in(
        "UPDATE subject_key SET wrapping = '', subject = '' WHERE subject", hashed, "RETURNING key_id"
    ).fetchall()
    tx.update("subject_key", ("wrapped",), ("key_id",), [(b"", row[0]) for row in gone])
    return bool(gone)


def _changed(rows: Sequence[Row], words: Pattern[str] | None, *, of_all: bool) -> list[tuple[Row, bytes]]:
    """The rows whose last cell tells of somebody, or all of them, each with what to write in its place."""
    found = ((row, without_person(bytes(row[-1]), words)) for row in rows)
    return [(row, anew) for row, anew in found if of_all or anew != bytes(row[-1])]


def without_person(content: bytes, words: Pattern[str] | None = None) -> bytes:
    """The same without whom it is for, and without these words in free text; of what is no JSON nothing."""
    if not content:
        return content
    try:
        said = _READ.decode(content)
    except msgspec.DecodeError:
        return b"null"
    left = _left(said, words)
    return content if left == said else _WRITE.encode(left)


def personal_words(contents: Iterable[bytes]) -> Pattern[str] | None:
    """What these say of whom an order is for, to be looked for in free text; None where they say nothing."""
    found: set[str] = set()
    for content in contents:
        try:
            _learn(_READ.decode(content or b"null"), found, is_person=False)
        except msgspec.DecodeError:
            continue
    if not found:
        return None
    longest = sorted(found, key=lambda word: (-len(word), word))
    return re.compile(rf"(?<!\w)(?:{'|'.join(map(re.escape, longest))})(?!\w)", re.IGNORECASE)


def _learn(said: Any, found: set[str], *, is_person: bool) -> None:
    """Names, whole and in parts, e-mails, telephones, and lines of addresses."""
    if isinstance(said, list):
        for each in said:
            _learn(each, found, is_person=is_person)
    if not isinstance(said, dict):
        return
    for name, each in said.items():
        if is_person and name in _WORDS:
            for value in each if isinstance(each, list) else [each]:
                text = str(value or "").strip()
                parts = text.split() if name == "name" else ()
                found.update(part for part in (text, *parts) if len(part) >= WORD_MIN and part != NAME_LEFT)
        _learn(each, found, is_person=is_person or name == _CUSTOMER or name in _ADDRESSES)


def _left(said: Any, words: Pattern[str] | None) -> Any:
    if isinstance(said, list):
        return [_left(each, words) for each in said]
    if not isinstance(said, dict):
        return said
    return {
        name: _of_customer(each) if name == _CUSTOMER and isinstance(each, dict) else _text(name, each, words)
        for name, each in said.items()
        if name not in _ADDRESSES
    }


def _text(name: str, said: Any, words: Pattern[str] | None) -> Any:
    if words is not None and name in _FREE and isinstance(said, str):
        return words.sub(NAME_LEFT, said)
    return _left(said, words)


def _of_customer(said: Mapping[str, Any]) -> dict[str, Any]:
    kept = {name: each for name, each in said.items() if name not in _PERSONAL | _ADDRESSES}
    return kept | {"name": NAME_LEFT}
