"""What is sealed on its way into the database, and opened on its way out: one place for every table.

A transaction of a store with a vault goes through `SealedTransaction`. Whoever writes rows by `insert` and
`update` and reads them by any statement sees plain values; the database sees sealed ones. Every column that can
hold bytes is named here: sealed, with whose key, or plain, with the reason (tests/storage/test_sealing.py).
"""

import os
import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from crossdock.identity.golden.fields import Sensitivity, find_field
from crossdock.storage.keyring import NONCE_BYTES
from crossdock.storage.transaction import Answer, Row, Transaction
from crossdock.storage.vault import MARK, SubjectKey, Vault, key_id_of

EMPTY = frozenset({b"", b"null", b"{}", b"[]", b'""'})
"""Says nothing about anybody, and stays as it is."""
PERSONAL_PROCESS = "customer_"
"""Runs of processes whose names begin so are about customers."""
ORDERS = "order_submission/"
"""Runs of orders, which are sealed where the deployment wants it (decision 0013)."""
_RECORD, _PARTY = "customer-record/", "customer/"


@dataclass(frozen=True)
class Sealed:
    """Columns of a table that are sealed, and the column that says whose they are."""

    columns: tuple[str, ...]
    by: str
    whose: Callable[[str], str]


def record_subject(record: str) -> str:
    """What one record of one system says of a person has a key of its own: records move between parties."""
    return f"record:{record}"


def party_subject(party_id: str) -> str:
    """What holds of a party over all its records."""
    return f"party:{party_id}"


def merge_subject(merge_id: str) -> str:
    """What was decided when two parties were put together."""
    return f"merge:{merge_id}"


def run_subject(subject: str) -> str:
    """Whose a run's rows are, by what the run is about."""
    if subject.startswith(_RECORD):
        return record_subject(subject.removeprefix(_RECORD))
    if subject.startswith(_PARTY):
        return party_subject(subject.removeprefix(_PARTY).partition("/")[0])
    return f"run:{subject}"


SEALED: Mapping[str, Sealed] = {
    "run": Sealed(("input", "result"), "id", run_subject),
    "journal": Sealed(("payload",), "run_id", run_subject),
    "signal": Sealed(("payload",), "run_id", run_subject),
    "parked": Sealed(("facts",), "run_id", run_subject),
    "contribution": Sealed(("said", "shown", "kept"), "record", record_subject),
    "match_face": Sealed(("features",), "record", record_subject),
    "match_decision": Sealed(("facts",), "record", record_subject),
    "onboarding": Sealed(("decision",), "party_id", party_subject),
    "party": Sealed(("golden",), "party_id", party_subject),
    "party_pin": Sealed(("facts",), "party_id", party_subject),
    "party_merge": Sealed(("facts",), "merge_id", merge_subject),
    "party_question": Sealed(("facts",), "party_id", party_subject),
}
PLAIN: Mapping[str, str] = {
    "event.data": "contracts of customers name fields and records, and hold no values",
    "match_face.keys": "hashed with a secret of the deployment before they come here",
    "match_model.content": "holds only what at least five records share",
    "party_history.fields": "names of fields",
    "subject_key.wrapped": "wrapped already",
}
KEYS = "subject_key"
OF_RUNS = frozenset(table for table, sealed in SEALED.items() if sealed.whose is run_subject)
_COLUMNS = {column for sealed in SEALED.values() for column in sealed.columns}
_NAMED = re.compile(rf"\b(?:{'|'.join(sorted(_COLUMNS))})\b")
_CHANGES = re.compile(r"\bUPDATE (\w+) SET (.*?)(?: WHERE |$)|\bINSERT INTO (\w+) \(([^)]*)\)", re.DOTALL)


@lru_cache(maxsize=1024)
def _may_tell(sql: str) -> bool:
    """Whether a statement's rows may hold sealed values. Raises AssertionError where it would write plain ones."""
    for table, changes, other, columns in _CHANGES.findall(sql):
        names = re.findall(r"(\w+) *=", changes) if table else re.findall(r"\w+", columns)
        sealed = SEALED.get(table or other)
        plain = sealed is not None and not set(sealed.columns).isdisjoint(names)
        assert not plain, f"written past the vault: {sql}"
    return _NAMED.search(sql) is not None


class _Opening:
    """An answer whose sealed values are opened when its rows are fetched."""

    def __init__(self, answer: Answer, through: "SealedTransaction") -> None:
        self._answer, self._through = answer, through

    def fetchone(self) -> Any:
        """See Answer."""
        row = self._answer.fetchone()
        return None if row is None else self._through.opened([row])[0]

    def fetchall(self) -> list[Any]:
        """See Answer."""
        return self._through.opened(self._answer.fetchall())


class SealedTransaction:
    """See Transaction: the same, with a vault between it and the database."""

    def __init__(self, inner: Transaction, vault: Vault) -> None:
        self._inner, self._vault = inner, vault
        self.locks, self.numbers, self.skips_locked = inner.locks, inner.numbers, inner.skips_locked
        self.words = inner.words
        self.news = inner.news
        self._keys: dict[str, SubjectKey] = {}
        self._by_id: dict[int, SubjectKey] = {}
        self._about: dict[str, str] = {}
        self._personal = (PERSONAL_PROCESS, ORDERS) if vault.seals_orders else (PERSONAL_PROCESS,)

    @property
    def inner(self) -> Transaction:
        """The transaction as the database sees it."""
        return self._inner

    def execute(self, sql: str, parameters: Sequence[Any] = ()) -> Answer:
        """See Transaction."""
        may_tell = _may_tell(sql)
        answer = self._inner.execute(sql, parameters)
        return _Opening(answer, self) if may_tell else answer

    def ask_in(self, sql: str, keys: Collection[Any], tail: str = "") -> Answer:
        """See Transaction."""
        answer = self._inner.ask_in(sql, keys, tail)
        return _Opening(answer, self) if _may_tell(sql) or _may_tell(tail) else answer

    def select_in(self, sql: str, keys: Collection[Any], tail: str = "") -> list[Row]:
        """See Transaction."""
        rows = self._inner.select_in(sql, keys, tail)
        return self.opened(rows) if _may_tell(sql) or _may_tell(tail) else rows

    def insert(self, table: str, columns: Sequence[str], rows: Sequence[Row], conflict: str = "") -> None:
        """See Transaction."""
        self._inner.insert(table, columns, self._sealed(table, columns, rows), conflict)

    def ask_new(self, table: str, columns: Sequence[str], keys: Sequence[str], rows: Sequence[Row]) -> Answer:
        """See Transaction."""
        return self._inner.ask_new(table, columns, keys, self._sealed(table, columns, rows))

    def insert_new(self, table: str, columns: Sequence[str], keys: Sequence[str], rows: Sequence[Row]) -> set[Row]:
        """See Transaction."""
        return self._inner.insert_new(table, columns, keys, self._sealed(table, columns, rows))

    def update(self, table: str, columns: Sequence[str], keys: Sequence[str], rows: Sequence[Row]) -> None:
        """See Transaction."""
        self._inner.update(table, columns, keys, self._sealed(table, (*columns, *keys), rows))
        if table == KEYS:
            self._keys.clear()  # a key that was destroyed must not seal what comes later in this transaction

    def gather(
        self, sql: str, columns: Sequence[str], parameters: Sequence[Any] = (), content: str = ""
    ) -> list[Row]:
        """See Transaction."""
        rows = self._inner.gather(sql, columns, parameters, content)
        return self.opened(rows) if content else rows

    def insert_at_once(self, table: str, columns: Sequence[str], rows: Sequence[Row], conflict: str = "") -> None:
        """See Transaction."""
        self._inner.insert_at_once(table, columns, self._sealed(table, columns, rows), conflict)

    def trust_indexes(self) -> None:
        """See Transaction."""
        self._inner.trust_indexes()

    def order_commits(self) -> None:
        """See Transaction."""
        self._inner.order_commits()

    def hold_numbers(self, numbers: Collection[int]) -> None:
        """See Transaction."""
        self._inner.hold_numbers(numbers)

    def blinded(self, keys: Sequence[int]) -> list[int]:
        """See Transaction."""
        return self._vault.blinded(keys)

    def hashed(self, subject: str) -> str:
        """See Transaction."""
        return self._vault.hashed(subject)

    # ── sealing ─────────────────────────────────────────────────────────────────────────────────────

    def _sealed(self, table: str, columns: Sequence[str], rows: Sequence[Row]) -> Sequence[Row]:
        rule = SEALED.get(table)
        if rule is None or not rows:
            return rows
        places = [place for place, name in enumerate(columns) if name in rule.columns]
        if not places:
            return rows
        whose = self._whose(table, rule, columns, rows, places)
        wanted = {subject for subject in whose if subject} - self._keys.keys()
        if wanted:
            self._keys |= self._vault.keys_of(self._inner, wanted)
        nonces = _nonces(len(rows) * len(places))
        return [
            _seal_row(row, places, self._keys[subject], nonces) if subject else row
            for row, subject in zip(rows, whose, strict=True)
        ]

    def _whose(
        self, table: str, rule: Sealed, columns: Sequence[str], rows: Sequence[Row], places: Sequence[int]
    ) -> list[str]:
        """Per row the subject it is sealed for; empty for one that says nothing personal."""
        by = list(columns).index(rule.by)
        says = [any(row[place] not in EMPTY for place in places) for row in rows]
        if table in OF_RUNS:
            ids = [
                row[by] if said and row[by].startswith(self._personal) else ""
                for row, said in zip(rows, says, strict=True)
            ]
            if table == "run" and "subject" in columns:
                about = list(columns).index("subject")
                self._about |= {row[by]: row[about] for row in rows}
            self._learn(set(ids) - self._about.keys() - {""})
            return [rule.whose(self._about.get(one, one)) if one else "" for one in ids]
        if table == "contribution":
            field = list(columns).index("field")
            says = [said and _is_personal(row[field]) for row, said in zip(rows, says, strict=True)]
        return [rule.whose(row[by]) if said else "" for row, said in zip(rows, says, strict=True)]

    def _learn(self, run_ids: Collection[str]) -> None:
        if run_ids:
            rows = self._inner.select_in("SELECT id, subject FROM run WHERE id", sorted(run_ids))
            self._about.update({row[0]: row[1] for row in rows})

    def is_owed(self, table: str, columns: Sequence[str], rows: Sequence[Row]) -> list[bool]:
        """Which of these rows, as they lie in the database, have something plain that is to be sealed."""
        rule = SEALED[table]
        places = [place for place, name in enumerate(columns) if name in rule.columns]
        whose = self._whose(table, rule, columns, rows, places)
        return [
            bool(subject) and any(_is_plain(row[place]) for place in places)
            for row, subject in zip(rows, whose, strict=True)
        ]

    # ── opening ─────────────────────────────────────────────────────────────────────────────────────

    def opened(self, rows: list[Row]) -> list[Row]:
        """The rows with every sealed value opened."""
        sealed = [
            place
            for place, row in enumerate(rows)
            if any(type(cell) is bytes and cell.startswith(MARK) for cell in row)
        ]
        if not sealed:
            return rows
        ids = {
            key_id_of(cell)
            for place in sealed
            for cell in rows[place]
            if type(cell) is bytes and cell.startswith(MARK)
        } - self._by_id.keys()
        if ids:
            self._by_id |= self._vault.keys_by_id(self._inner, ids)
        for place in sealed:
            rows[place] = tuple(
                self._by_id[key_id_of(cell)].open(cell) if type(cell) is bytes and cell.startswith(MARK) else cell
                for cell in rows[place]
            )
        return rows


def _is_plain(cell: bytes | None) -> bool:
    return cell is not None and cell not in EMPTY and not cell.startswith(MARK)


def _nonces(count: int) -> Iterator[bytes]:
    """Random ones, drawn together: to ask the system for each costs more than the sealing."""
    drawn = os.urandom(NONCE_BYTES * count)
    return (drawn[start : start + NONCE_BYTES] for start in range(0, len(drawn), NONCE_BYTES))


def _seal_row(row: Row, places: Sequence[int], key: SubjectKey, nonces: Iterator[bytes]) -> Row:
    cells = list(row)
    done: dict[bytes, bytes] = {}
    for place in places:
        value = cells[place]
        if value is not None and value not in EMPTY:
            # What a record shows is mostly what it said: the same value in one row is sealed once.
            cells[place] = done.get(value) or done.setdefault(value, key.seal(value, next(nonces)))
    return tuple(cells)


@lru_cache(maxsize=4096)
def _is_personal(field: str) -> bool:
    """Whether a field tells about a person or our dealings with them; what is no field any more may."""
    known = find_field(field)
    return known is None or known.sensitivity is not Sensitivity.PLAIN
