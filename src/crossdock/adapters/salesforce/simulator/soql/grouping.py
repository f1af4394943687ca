"""GROUP BY, HAVING and the aggregates over a group's rows."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from crossdock.adapters.salesforce.simulator.soql.binding import Binder
from crossdock.adapters.salesforce.simulator.soql.shape import path_key
from crossdock.adapters.salesforce.simulator.soql.syntax import (
    Both,
    Compare,
    Condition,
    Either,
    Function,
    Opposite,
    Path,
    Query,
    Within,
    malformed,
    placed,
)
from crossdock.adapters.salesforce.simulator.tables.fields import number
from crossdock.adapters.salesforce.simulator.tables.schema import NUMBER_TYPES, Field
from crossdock.adapters.salesforce.simulator.tables.store import Row

Measure = Callable[[list[Row]], Any]


def grouped(text: str, query: Query, binder: Binder, rows: list[Row]) -> list[dict[str, Any]]:
    """One result per group, in the order asked for. Raises ApiError."""
    keys = [binder.path(path) for path in query.group_by]
    groups: dict[tuple[Any, ...], list[Row]] = {}
    for row in rows:
        groups.setdefault(tuple(_folded(key.get(row)) for key in keys), []).append(row)
    if not keys:
        groups = {(): rows}
    outputs = _outputs(text, query, binder)
    kept = list(groups.values())
    if query.having is not None:
        test = _having(query.having, binder)
        kept = [group for group in kept if test(group)]
    for ordering in reversed(query.order_by):
        measure = _measure(ordering.by, binder)
        kept.sort(key=lambda group, measure=measure: _rank(measure(group)), reverse=ordering.descending)  # type: ignore[misc]
    return [{name: measure(group) for name, measure in outputs.items()} for group in kept]


def _outputs(text: str, query: Query, binder: Binder) -> dict[str, Measure]:
    outputs: dict[str, Measure] = {}
    unnamed = 0
    group_keys = {path_key(path) for path in query.group_by}
    for item in query.items:
        if isinstance(item, Path):
            if path_key(item) not in group_keys:
                raise placed(
                    text,
                    item.at,
                    "MALFORMED_QUERY",
                    f"Field must be grouped or aggregated: {'.'.join(item.parts)}",
                )
            outputs[item.alias or binder.path(item).field.name] = _measure(item, binder)
        elif isinstance(item, Function):
            name = item.alias or f"expr{unnamed}"
            unnamed += not item.alias
            outputs[name] = _measure(item, binder)
        else:
            raise malformed(text, query.source_at, "sub-selects and FIELDS() cannot be grouped")
    return outputs


def _having(condition: Condition, binder: Binder) -> Callable[[list[Row]], bool]:
    if isinstance(condition, Both):
        parts = [_having(part, binder) for part in condition.parts]
        return lambda group: all(part(group) for part in parts)
    if isinstance(condition, Either):
        parts = [_having(part, binder) for part in condition.parts]
        return lambda group: any(part(group) for part in parts)
    if isinstance(condition, Opposite):
        inner = _having(condition.part, binder)
        return lambda group: not inner(group)
    if isinstance(condition, Within):
        raise binder.refuse(condition.left.at, "MALFORMED_QUERY", "IN is not supported in HAVING")
    return _compared(condition, binder)


def _compared(condition: Compare, binder: Binder) -> Callable[[list[Row]], bool]:
    measure = _measure(condition.left, binder)
    field = _typed(condition.left, binder)
    test = binder.compare(lambda row: row["value"], field, condition)
    return lambda group: test({"value": measure(group)})


def _typed(left: Path | Function, binder: Binder) -> Field:
    if isinstance(left, Function):
        if left.argument is not None and left.name in ("MIN", "MAX"):
            return binder.path(left.argument).field
        return number("aggregate", scale=2)
    return binder.path(left).field


def _measure(item: Path | Function, binder: Binder) -> Measure:
    if isinstance(item, Path):
        get = binder.path(item).get
        return lambda group: get(group[0]) if group else None
    if item.argument is None:
        return len
    bound = binder.path(item.argument)
    if item.name in ("SUM", "AVG") and bound.field.type not in NUMBER_TYPES:
        raise binder.refuse(
            item.at, "INVALID_FIELD", f"field {bound.field.name} does not support aggregate {item.name}"
        )
    aggregate, read = _AGGREGATES[item.name], bound.get
    return lambda group: aggregate([value for row in group if (value := read(row)) is not None])


def _total(values: list[Any]) -> float | None:
    return float(sum(Decimal(str(value)) for value in values)) if values else None


def _mean(values: list[Any]) -> float | None:
    return float(sum(Decimal(str(value)) for value in values) / len(values)) if values else None


_AGGREGATES: dict[str, Callable[[list[Any]], Any]] = {
    "COUNT": len,
    "COUNT_DISTINCT": lambda values: len({_folded(value) for value in values}),
    "SUM": _total,
    "AVG": _mean,
    "MIN": lambda values: min(values, default=None),
    "MAX": lambda values: max(values, default=None),
}


def _folded(value: Any) -> Any:
    return value.lower() if isinstance(value, str) else value


def _rank(value: Any) -> tuple[bool, Any]:
    return value is not None, _folded(value) if value is not None else 0
