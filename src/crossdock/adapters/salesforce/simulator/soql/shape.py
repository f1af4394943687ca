"""How found rows are written out: attributes, the selected fields, parents nested, children as small results."""

from collections.abc import Callable
from typing import Any

from crossdock.adapters.salesforce.simulator.org import Org
from crossdock.adapters.salesforce.simulator.soql.syntax import Path
from crossdock.adapters.salesforce.simulator.tables.schema import SObject
from crossdock.adapters.salesforce.simulator.tables.store import Row

Write = Callable[[Row], Any]


class Shape:
    """The output of one object: entries in the order in which they were selected."""

    def __init__(self, org: Org, sobject: SObject, version: str) -> None:
        self._org = org
        self._sobject = sobject
        self._version = version
        self._entries: dict[str, Write] = {}
        self._parents: dict[str, Shape] = {}

    @property
    def names(self) -> list[str]:
        """Keys of the output, in order."""
        return list(self._entries)

    def add_field(self, name: str) -> None:
        """Write a field of the row."""
        self._entries[name] = lambda row: row[name]

    def add_compound(self, name: str) -> None:
        """Write a compound field: an address, or a person's name."""
        parts = self._sobject.compounds[name]
        prefix = name.removesuffix("Address")
        keys = [(_camel(part.name.removeprefix(prefix)), part.name) for part in parts]

        def write(row: Row) -> dict[str, Any] | None:
            values = {key: row[field] for key, field in keys}
            return values if any(value is not None for value in values.values()) else None

        self._entries[name] = write

    def add_path(self, parts: tuple[str, ...]) -> None:
        """Write a field of this object or, through relationships, of a parent. The path was bound before."""
        if len(parts) == 1:
            field = self._sobject.field(parts[0])
            assert field is not None
            self.add_field(field.name)
            return
        link = self._sobject.relationship(parts[0])
        assert link is not None
        if link.relationship not in self._parents:
            parent = self._org.schema.get(link.refers_to[0])
            shape = self._parents[link.relationship] = Shape(self._org, parent, self._version)
            rows, key = self._org.store.table(parent).rows, link.name

            def write(row: Row) -> dict[str, Any] | None:
                found = rows.get(row[key]) if row[key] is not None else None
                return None if found is None else shape.write(found)

            self._entries[link.relationship] = write
        self._parents[link.relationship].add_path(parts[1:])

    def add_children(self, name: str, write: Write) -> None:
        """Write the result of a sub-select under the relationship's name."""
        self._entries[name] = write

    def write(self, row: Row) -> dict[str, Any]:
        """One row as the API returns it."""
        url = f"/services/data/v{self._version}/sobjects/{self._sobject.name}/{row['Id']}"
        record: dict[str, Any] = {"attributes": {"type": self._sobject.name, "url": url}}
        for name, entry in self._entries.items():
            record[name] = entry(row)
        return record


def path_key(path: Path) -> str:
    """A path as one lower-case text, to compare paths by."""
    return ".".join(path.parts).lower()


def _camel(name: str) -> str:
    return name[:1].lower() + name[1:]
