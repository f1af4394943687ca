"""Running a query: find rows, order and cut them, write them out."""

from collections.abc import Callable
from typing import Any

import msgspec

from crossdock.adapters.salesforce.simulator.org import Org
from crossdock.adapters.salesforce.simulator.soql.binding import Binder, Getter
from crossdock.adapters.salesforce.simulator.soql.grouping import grouped
from crossdock.adapters.salesforce.simulator.soql.parser import parse
from crossdock.adapters.salesforce.simulator.soql.shape import Shape
from crossdock.adapters.salesforce.simulator.soql.syntax import (
    FieldSet,
    Function,
    Ordering,
    Path,
    Query,
    malformed,
    placed,
)
from crossdock.adapters.salesforce.simulator.tables.schema import Child, SObject
from crossdock.adapters.salesforce.simulator.tables.store import Row

OFFSET_MAX = 2_000
_FIELD_SET_ROWS_MAX = 200
_ADVICE = (
    "If you are attempting to use a custom object, be sure to append the '__c' after the entity name. "
    "Please reference your WSDL or the describe call for the appropriate names."
)


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """The rows of a query, in order, and how to write one out. `count` is the size COUNT() asked for, else None.

    Rows are snapshots: a page fetched later shows what was there when the query ran.
    """

    sobject: SObject
    rows: list[Any]
    write: Callable[[Any], dict[str, Any]]
    columns: list[str]
    count: int | None = None
    aggregate: bool = False


class Runner:
    """Runs queries against one org; `tooling` sees the tooling objects and nothing else.

    `page` writes out the result of a sub-select, which may be cut into pages of its own.
    """

    def __init__(
        self,
        org: Org,
        version: str,
        *,
        include_deleted: bool = False,
        tooling: bool = False,
        page: Callable[[Found], dict[str, Any]] | None = None,
    ) -> None:
        self._org = org
        self._version = version
        self._include_deleted = include_deleted
        self._tooling = tooling
        self._page = page or _whole

    def run(self, text: str) -> Found:
        """Run a query. Raises ApiError MALFORMED_QUERY, INVALID_TYPE, INVALID_FIELD and their kin."""
        query = parse(text)
        sobject = self._source(text, query)
        binder = Binder(self._org, text, sobject, query.alias)
        counting = [item for item in query.items if isinstance(item, Function)]
        if query.group_by or counting:
            return self._aggregate(text, query, sobject, binder)
        shape = self._shape(text, query, sobject, binder)
        rows = self._rows(text, query, sobject, binder)
        ordered = self._cut(text, query, _sorted(rows, self._keys(query.order_by, binder)))
        return Found(sobject=sobject, rows=ordered, write=shape.write, columns=shape.names)

    def _aggregate(self, text: str, query: Query, sobject: SObject, binder: Binder) -> Found:
        rows = self._rows(text, query, sobject, binder)
        first = query.items[0]
        if isinstance(first, Function) and first.argument is None and len(query.items) == 1:
            return Found(
                sobject=sobject, rows=[], write=lambda row: row, columns=[], count=len(rows), aggregate=True
            )
        results = grouped(text, query, binder, rows)
        cut = self._cut(text, query, results)
        return Found(
            sobject=sobject,
            rows=cut,
            write=lambda row: {"attributes": {"type": "AggregateResult"}, **row},
            columns=list(cut[0]) if cut else [],
            aggregate=True,
        )

    def _source(self, text: str, query: Query) -> SObject:
        found = self._org.schema.find(query.source)
        wanted = "tooling" if self._tooling else "object"
        if found is None or found.kind != wanted:
            message = f"sObject type '{query.source}' is not supported. {_ADVICE}"
            raise placed(text, query.source_at, "INVALID_TYPE", message)
        return found

    def _rows(self, text: str, query: Query, sobject: SObject, binder: Binder) -> list[Row]:
        table = self._org.store.table(sobject)
        if query.where is None:
            pool = list(table.rows.values())
        else:
            ids = None if self._include_deleted else binder.candidates(query.where)
            if ids is None:
                pool = list(table.rows.values())
            else:
                # Ids grow with every row, so that their order is the order of creation.
                pool = [table.rows[record_id] for record_id in sorted(ids) if record_id in table.rows]
        if not self._include_deleted:
            pool = [row for row in pool if not row["IsDeleted"]]
        if query.where is None:
            return pool
        matches = binder.condition(query.where, lambda inner: self._values(text, inner))
        return [row for row in pool if matches(row)]

    def _values(self, text: str, query: Query) -> set[Any]:
        """What a sub-select inside IN (...) finds: the values of its one field."""
        if len(query.items) != 1 or not isinstance(query.items[0], Path):
            raise malformed(text, query.source_at, "a sub-select in a filter selects exactly one field")
        runner = Runner(self._org, self._version)
        sobject = runner._source(text, query)
        binder = Binder(self._org, text, sobject, query.alias)
        get = binder.path(query.items[0]).get
        return {get(row) for row in runner._rows(text, query, sobject, binder)}

    def _shape(self, text: str, query: Query, sobject: SObject, binder: Binder) -> Shape:
        shape = Shape(self._org, sobject, self._version)
        for item in query.items:
            if isinstance(item, Query):
                self._add_children(text, item, sobject, shape)
            elif isinstance(item, FieldSet):
                self._add_field_set(text, query, item, sobject, shape)
            elif isinstance(item, Path):
                parts = binder.without_alias(item)
                compound = sobject.compound(parts[0]) if len(parts) == 1 else None
                if compound is not None and sobject.field(parts[0]) is None:
                    shape.add_compound(compound)
                else:
                    binder.path(item)
                    shape.add_path(parts)
        return shape

    def _add_field_set(self, text: str, query: Query, item: FieldSet, sobject: SObject, shape: Shape) -> None:
        if item.which not in ("ALL", "STANDARD", "CUSTOM"):
            raise malformed(text, item.at, f"unexpected token: '{item.which}'")
        if item.which != "STANDARD" and (query.limit is None or query.limit > _FIELD_SET_ROWS_MAX):
            raise malformed(text, item.at, "The SOQL FIELDS function must have a LIMIT of at most 200")
        for field in sobject.fields.values():
            wanted = item.which == "ALL" or field.custom == (item.which == "CUSTOM")
            if wanted and self._org.schema.visible(sobject, field):
                shape.add_field(field.name)

    def _add_children(self, text: str, query: Query, parent: SObject, shape: Shape) -> None:
        child = next(
            (
                child
                for child in self._org.schema.children(parent.name)
                if child.relationship and child.relationship.lower() == query.source.lower()
            ),
            None,
        )
        if child is None:
            raise placed(
                text,
                query.source_at,
                "INVALID_TYPE",
                f"Didn't understand relationship '{query.source}' in FROM part of query call. {_ADVICE}",
            )
        shape.add_children(child.relationship, self._children(text, query, child))

    def _children(self, text: str, query: Query, child: Child) -> Callable[[Row], dict[str, Any] | None]:
        sobject = self._org.schema.get(child.sobject)
        binder = Binder(self._org, text, sobject, query.alias)
        shape = self._shape(text, query, sobject, binder)
        keys = self._keys(query.order_by, binder)
        table = self._org.store.table(sobject)
        matches = binder.condition(query.where, lambda inner: self._values(text, inner)) if query.where else _every

        def write(row: Row) -> dict[str, Any] | None:
            rows = [table.rows[record_id] for record_id in table.matching(child.field, row["Id"])]
            rows = self._cut(text, query, _sorted([found for found in rows if matches(found)], keys))
            if not rows:
                return None
            return self._page(Found(sobject=sobject, rows=rows, write=shape.write, columns=shape.names))

        return write

    def _keys(self, orderings: tuple[Ordering, ...], binder: Binder) -> list[tuple[Getter, Ordering]]:
        keys = []
        for ordering in orderings:
            if isinstance(ordering.by, Function):
                raise binder.refuse(ordering.by.at, "MALFORMED_QUERY", "Aggregates need GROUP BY")
            bound = binder.path(ordering.by)
            keys.append((_ranking(bound.get, is_id=bound.field.type in ("id", "reference")), ordering))
        return keys

    def _cut(self, text: str, query: Query, rows: list[Any]) -> list[Any]:
        if query.offset > OFFSET_MAX:
            raise placed(
                text, len(text), "NUMBER_OUTSIDE_VALID_RANGE", f"Maximum SOQL offset allowed is {OFFSET_MAX}"
            )
        end = None if query.limit is None else query.offset + query.limit
        return rows[query.offset : end]


def _whole(found: Found) -> dict[str, Any]:
    return {"totalSize": len(found.rows), "done": True, "records": [found.write(row) for row in found.rows]}


def _every(_row: Row) -> bool:
    return True


def _sorted(rows: list[Row], keys: list[tuple[Getter, Ordering]]) -> list[Row]:
    """Sort by several keys, least important first, as a stable sort allows. Nulls come first unless told."""
    for get, ordering in reversed(keys):
        present = [row for row in rows if get(row) is not None]
        absent = [row for row in rows if get(row) is None]
        present.sort(key=get, reverse=ordering.descending)
        rows = present + absent if ordering.nulls_last else absent + present
    return rows


def _ranking(get: Getter, *, is_id: bool) -> Getter:
    """What rows are sorted by: texts regardless of case, ids with it, as they are compared."""
    return get if is_id else lambda row: value.lower() if isinstance(value := get(row), str) else value


def columns_described(found: Found) -> dict[str, Any]:
    """The answer to `columns=true`: what the query would return, without running it again."""
    metadata = []
    for name in found.columns:
        field = found.sobject.field(name)
        kind = field.type if field else "string"
        metadata.append(
            {
                "aggregate": found.aggregate,
                "apexType": "Id" if kind in ("id", "reference") else kind.capitalize(),
                "booleanType": kind == "boolean",
                "columnName": name,
                "custom": bool(field and field.custom),
                "displayName": name,
                "foreignKeyName": field.relationship if field and field.relationship else None,
                "insertable": bool(field and field.createable),
                "joinColumns": [],
                "numberType": kind in ("int", "double", "currency", "percent"),
                "textType": kind in ("string", "textarea", "picklist"),
                "updatable": bool(field and field.updateable),
            }
        )
    return {
        "columnMetadata": metadata,
        "entityName": found.sobject.name,
        "groupBy": found.aggregate,
        "idSelected": "Id" in found.columns,
        "keyPrefix": found.sobject.prefix,
    }
