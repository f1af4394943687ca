"""Names in a query become getters over rows; conditions become predicates. Unknown names are refused in place."""

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import msgspec

from crossdock.adapters.salesforce.simulator.failures import ApiError
from crossdock.adapters.salesforce.simulator.org import Org
from crossdock.adapters.salesforce.simulator.soql.periods import period
from crossdock.adapters.salesforce.simulator.soql.syntax import (
    Both,
    Compare,
    Condition,
    Constant,
    Either,
    Function,
    Opposite,
    Path,
    Query,
    Within,
    like_pattern,
    placed,
)
from crossdock.adapters.salesforce.simulator.tables.ids import normalised
from crossdock.adapters.salesforce.simulator.tables.moments import day_bounds
from crossdock.adapters.salesforce.simulator.tables.schema import NUMBER_TYPES, TEXT_TYPES, Field, SObject
from crossdock.adapters.salesforce.simulator.tables.store import Row
from crossdock.kit.clock import to_datetime

Getter = Callable[[Row], Any]
Predicate = Callable[[Row], bool]
SubSelect = Callable[[Query], set[Any]]
_RELATIONSHIPS_MAX = 5
_REFERENCE = "Please reference your WSDL or the describe call for the appropriate names."
_CONSTANT_TYPES = {"text": TEXT_TYPES, "number": NUMBER_TYPES, "boolean": frozenset({"boolean"})}


class Bound(msgspec.Struct, frozen=True):
    """A path that was found: how to read it from a row, which field it ends at, and the field's owner."""

    get: Getter
    field: Field
    sobject: SObject
    direct: bool


class Binder:
    """Binds the names of one query, for one object it selects from."""

    def __init__(self, org: Org, text: str, sobject: SObject, alias: str = "") -> None:
        self._org = org
        self._text = text
        self._sobject = sobject
        self._alias = alias.lower()

    def path(self, path: Path) -> Bound:
        """Find a path. Raises ApiError INVALID_FIELD."""
        sobject, parts = self._sobject, self.without_alias(path)
        if len(parts) > _RELATIONSHIPS_MAX + 1:
            raise self.refuse(path.at, "INVALID_FIELD", "Relationship depth exceeded")
        steps: list[tuple[SObject, Field]] = []
        for part in parts[:-1]:
            link = sobject.relationship(part)
            if link is None or not self._org.schema.visible(sobject, link):
                raise self.refuse(
                    path.at,
                    "INVALID_FIELD",
                    f"Didn't understand relationship '{part}' in field path. If you are attempting to use a "
                    "custom relationship, be sure to append the '__r' after the custom relationship name. "
                    + _REFERENCE,
                )
            sobject = self._org.schema.get(link.refers_to[0])
            steps.append((sobject, link))
        field = self._org.schema.field(sobject, parts[-1])
        if field is None:
            raise self.no_column(parts[-1], sobject, path.at)
        return Bound(self._getter(steps, field), field, sobject, direct=not steps)

    def without_alias(self, path: Path) -> tuple[str, ...]:
        """The path's parts, without the object's own name or alias in front."""
        first = path.parts[0].lower()
        # An object may have a relationship of its own name to a parent; then the relationship is meant.
        own_name = first == self._sobject.name.lower() and self._sobject.relationship(first) is None
        in_front = len(path.parts) > 1 and (first == self._alias or own_name)
        return path.parts[1:] if in_front else path.parts

    def condition(self, condition: Condition, select: SubSelect) -> Predicate:
        """Compile WHERE. Raises ApiError."""
        if isinstance(condition, Both):
            parts = [self.condition(part, select) for part in condition.parts]
            return lambda row: all(part(row) for part in parts)
        if isinstance(condition, Either):
            parts = [self.condition(part, select) for part in condition.parts]
            return lambda row: any(part(row) for part in parts)
        if isinstance(condition, Opposite):
            inner = self.condition(condition.part, select)
            return lambda row: not inner(row)
        if isinstance(condition, Within):
            return self._within(condition, select)
        if isinstance(condition.left, Function):
            raise self.refuse(condition.left.at, "MALFORMED_QUERY", "Aggregates belong into HAVING")
        bound = self.path(condition.left)
        return self.compare(bound.get, bound.field, condition)

    def compare(self, get: Getter, field: Field, condition: Compare) -> Predicate:
        """Compile one comparison of a value that is read by `get` and typed like `field`."""
        right, op = condition.right, condition.op
        if right.kind == "null":
            if op not in ("=", "!="):
                raise self.refuse(right.at, "MALFORMED_QUERY", f"invalid operator on id or null field: {op}")
            return (lambda row: get(row) is None) if op == "=" else (lambda row: get(row) is not None)
        if op == "like":
            if right.kind != "text" or field.type not in TEXT_TYPES or field.type in ("id", "reference"):
                raise self.refuse(
                    right.at, "INVALID_QUERY_FILTER_OPERATOR", f"invalid operator on {field.name}: LIKE"
                )
            pattern = like_pattern(right.raw)
            return lambda row: pattern.fullmatch(get(row) or "") is not None
        if right.kind == "period":
            return self._in_period(get, field, op, right)
        fold = _folding(field)
        wanted = fold(self.constant(field, right))
        return _COMPARE[op](get, fold, wanted)

    def constant(self, field: Field, constant: Constant) -> Any:
        """A literal as the field's rows hold it. Raises ApiError INVALID_FIELD when it is of another type."""
        kind, value = constant.kind, constant.value
        if kind == "null":
            return None
        if kind in _CONSTANT_TYPES and field.type in _CONSTANT_TYPES[kind]:
            if field.type in ("id", "reference"):
                return self._record_id(constant)
            return value
        if kind == field.type == "date" or kind == field.type == "datetime":
            return value
        quoted = "should be enclosed in quotes" if field.type in TEXT_TYPES else "should not be enclosed in quotes"
        wanted = "string" if field.type in TEXT_TYPES else {"datetime": "dateTime"}.get(field.type, field.type)
        raise self.refuse(
            constant.at,
            "INVALID_FIELD",
            f"value of filter criterion for field '{field.name}' must be of type {wanted} and {quoted}",
        )

    def refuse(self, at: int, code: str, message: str) -> ApiError:
        """A refusal that points at a place in this query."""
        return placed(self._text, at, code, message)

    def no_column(self, name: str, sobject: SObject, at: int) -> ApiError:
        """The vendor's words for a field that is not there, or hidden."""
        return self.refuse(
            at,
            "INVALID_FIELD",
            f"No such column '{name}' on entity '{sobject.name}'. If you are attempting to use a custom field, be "
            f"sure to append the '__c' after the custom field name. {_REFERENCE}",
        )

    def candidates(self, condition: Condition | None) -> set[str] | None:
        """Ids among which all matches are, found by index; None when no index helps."""
        if isinstance(condition, Both):
            found = [ids for part in condition.parts if (ids := self.candidates(part)) is not None]
            return min(found, key=len) if found else None
        if isinstance(condition, Either):
            each = [self.candidates(part) for part in condition.parts]
            return None if any(ids is None for ids in each) else {i for ids in each if ids for i in ids}
        if isinstance(condition, Compare) and condition.op == "=" and isinstance(condition.left, Path):
            return self._indexed(condition.left, (condition.right,))
        if isinstance(condition, Within) and not condition.negated and isinstance(condition.right, tuple):
            return self._indexed(condition.left, condition.right)
        return None

    def _indexed(self, path: Path, constants: tuple[Constant, ...]) -> set[str] | None:
        bound = self.path(path)
        if not bound.direct or any(constant.kind not in ("text", "number") for constant in constants):
            return None
        values = [self.constant(bound.field, constant) for constant in constants]
        if bound.field.name == "Id":
            return set(values)
        table = self._org.store.table(self._sobject)
        if not table.is_indexed(bound.field.name):
            return None
        return {record_id for value in values for record_id in table.matching(bound.field.name, value)}

    def _getter(self, steps: list[tuple[SObject, Field]], field: Field) -> Getter:
        name = field.name
        if not steps:
            return lambda row: row[name]
        hops = [(self._org.store.table(sobject).rows, link.name) for sobject, link in steps]

        def get(row: Row) -> Any:
            for rows, link in hops:
                parent = rows.get(row[link]) if row[link] is not None else None
                if parent is None:
                    return None
                row = parent
            return row[name]

        return get

    def _within(self, condition: Within, select: SubSelect) -> Predicate:
        bound = self.path(condition.left)
        get, fold = bound.get, _folding(bound.field)
        if isinstance(condition.right, Query):
            wanted = {fold(value) for value in select(condition.right) if value is not None}
        else:
            wanted = {fold(self.constant(bound.field, constant)) for constant in condition.right}
        negated = condition.negated
        return lambda row: (fold(get(row)) in wanted) is not negated

    def _in_period(self, get: Getter, field: Field, op: str, right: Constant) -> Predicate:
        name, count = right.value
        try:
            span = period(name, count, to_datetime(self._org.clock.now()).date())
        except (OverflowError, ValueError):
            span = None
        if span is None or field.type not in ("date", "datetime"):
            raise self.refuse(right.at, "MALFORMED_QUERY", f"unexpected token: '{name}'")
        start, after = _edges(field, *span)
        return {
            "=": lambda row: (value := get(row)) is not None and start <= value < after,
            "!=": lambda row: not ((value := get(row)) is not None and start <= value < after),
            "<": lambda row: (value := get(row)) is not None and value < start,
            "<=": lambda row: (value := get(row)) is not None and value < after,
            ">": lambda row: (value := get(row)) is not None and value >= after,
            ">=": lambda row: (value := get(row)) is not None and value >= start,
        }[op]

    def _record_id(self, constant: Constant) -> str:
        full = normalised(constant.value)
        if full is None:
            raise self.refuse(constant.at, "INVALID_QUERY_FILTER_OPERATOR", f"invalid ID field: {constant.value}")
        return full


def _edges(field: Field, first: date, after: date) -> tuple[str, str]:
    if field.type == "date":
        return first.isoformat(), after.isoformat()
    return day_bounds(first)[0], day_bounds(after - timedelta(1))[1]


def _folding(field: Field) -> Callable[[Any], Any]:
    """Texts are compared regardless of case, unless the field says otherwise."""
    if field.type in ("id", "reference") or field.type not in TEXT_TYPES or field.case_sensitive:
        return lambda value: value
    return lambda value: value.lower() if value is not None else None


def _ordered(test: Callable[[Any, Any], bool]) -> Callable[[Getter, Callable[[Any], Any], Any], Predicate]:
    def build(get: Getter, fold: Callable[[Any], Any], wanted: Any) -> Predicate:
        return lambda row: (value := get(row)) is not None and test(fold(value), wanted)

    return build


_COMPARE: dict[str, Callable[[Getter, Callable[[Any], Any], Any], Predicate]] = {
    "=": lambda get, fold, wanted: lambda row: bool(fold(get(row)) == wanted),
    "!=": lambda get, fold, wanted: lambda row: bool(fold(get(row)) != wanted),
    "<": _ordered(lambda value, wanted: value < wanted),
    "<=": _ordered(lambda value, wanted: value <= wanted),
    ">": _ordered(lambda value, wanted: value > wanted),
    ">=": _ordered(lambda value, wanted: value >= wanted),
}
