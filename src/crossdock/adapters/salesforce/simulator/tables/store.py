"""Rows in memory with indexes, and an undo log that makes a rollback real."""

from collections.abc import Iterator
from typing import Any

import msgspec

from crossdock.adapters.salesforce.simulator.tables.schema import Field, SObject

Row = dict[str, Any]


class Undo(msgspec.Struct, frozen=True):
    """What a row was before one write; None when it was not there."""

    table: "Table"
    record_id: str
    before: Row | None


class Table:
    """The rows of one object, deleted ones included. Rows are replaced, never changed in place."""

    def __init__(self, sobject: SObject) -> None:
        self.sobject = sobject
        self.rows: dict[str, Row] = {}
        self._indexes: dict[str, dict[str, dict[str, None]]] = {}
        for field in sobject.fields.values():
            self.index(field)

    def index(self, field: Field) -> None:
        """Begin to find rows by this field, if it is one that is indexed."""
        if not field.indexed or field.name in self._indexes:
            return
        self._indexes[field.name] = {}
        for record_id, row in self.rows.items():
            if not row["IsDeleted"]:
                self._enter(field.name, row, record_id)

    def extend(self, field: Field) -> None:
        """Give every row the default of a field that was added."""
        for record_id, row in self.rows.items():
            self.rows[record_id] = {**row, field.name: field.default}
        self.index(field)

    def live(self, record_id: str) -> Row | None:
        """The row, unless it is absent or deleted."""
        row = self.rows.get(record_id)
        return None if row is None or row["IsDeleted"] else row

    def is_indexed(self, name: str) -> bool:
        """Whether `matching` can answer for this field."""
        return name in self._indexes

    def matching(self, name: str, value: Any) -> list[str]:
        """Ids of the rows (not deleted) whose indexed field has this value, oldest first."""
        return list(self._indexes[name].get(_key(self.sobject.fields[name], value), ()))

    def put(self, record_id: str, row: Row | None) -> Row | None:
        """Replace a row, or remove it with None; return what was there."""
        before = self.rows.get(record_id)
        for name, index in self._indexes.items():
            old = before[name] if before is not None and not before["IsDeleted"] else None
            new = row[name] if row is not None and not row["IsDeleted"] else None
            if old == new:
                continue
            if old is not None:
                self._leave(index, _key(self.sobject.fields[name], old), record_id)
            if new is not None and row is not None:
                self._enter(name, row, record_id)
        if row is None:
            self.rows.pop(record_id, None)
        else:
            self.rows[record_id] = row
        return before

    def _enter(self, name: str, row: Row, record_id: str) -> None:
        if row[name] is not None:
            key = _key(self.sobject.fields[name], row[name])
            self._indexes[name].setdefault(key, {})[record_id] = None

    @staticmethod
    def _leave(index: dict[str, dict[str, None]], key: str, record_id: str) -> None:
        holders = index.get(key)
        if holders is not None:
            holders.pop(record_id, None)
            if not holders:
                del index[key]


def _key(field: Field, value: Any) -> str:
    """Texts are unique regardless of case, unless the field says otherwise; ids never are."""
    text = str(value)
    return text if field.case_sensitive or field.refers_to or field.type == "id" else text.lower()


class Store:
    """All tables, and the undo log of the transaction that is open."""

    def __init__(self) -> None:
        self._tables: dict[str, Table] = {}
        self._undo: list[Undo] = []
        self._counters: dict[str, int] = {}

    def table(self, sobject: SObject) -> Table:
        """The table of an object; it is made when first asked for."""
        found = self._tables.get(sobject.name)
        if found is None:
            found = self._tables[sobject.name] = Table(sobject)
        return found

    def tables(self) -> Iterator[Table]:
        """Every table that has been used."""
        return iter(self._tables.values())

    def write(self, sobject: SObject, record_id: str, row: Row | None) -> None:
        """Replace a row inside the open transaction."""
        table = self.table(sobject)
        self._undo.append(Undo(table, record_id, table.put(record_id, row)))

    def count(self, counter: str) -> int:
        """The next number of a counter. Like the vendor's auto numbers, it is not given back by a rollback."""
        self._counters[counter] = self._counters.get(counter, 0) + 1
        return self._counters[counter]

    def mark(self) -> int:
        """A point to which the open transaction can be rolled back."""
        return len(self._undo)

    def rollback(self, mark: int = 0) -> None:
        """Undo every write since the mark, newest first."""
        while len(self._undo) > mark:
            undo = self._undo.pop()
            undo.table.put(undo.record_id, undo.before)

    def commit(self) -> list[Undo]:
        """Close the transaction; return its first write of each row, in order, with what the row was before."""
        first: dict[tuple[str, str], Undo] = {}
        for undo in self._undo:
            first.setdefault((undo.table.sobject.name, undo.record_id), undo)
        self._undo = []
        return list(first.values())
