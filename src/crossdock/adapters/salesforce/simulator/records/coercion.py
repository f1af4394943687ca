"""From the values a caller sent to values as rows hold them."""

import math
import re
from collections.abc import Callable
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import Any

from crossdock.adapters.salesforce.simulator.failures import ApiError, bad_json
from crossdock.adapters.salesforce.simulator.tables.ids import normalised
from crossdock.adapters.salesforce.simulator.tables.moments import datetime_text, parse_date, parse_datetime
from crossdock.adapters.salesforce.simulator.tables.schema import Field

_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
_TRUE, _FALSE = frozenset({"true", "1"}), frozenset({"false", "0"})
_INT_MAX = 2_147_483_647


def coerced(field: Field, value: Any) -> Any:
    """The value as the row will hold it. Raises ApiError when the field cannot take it."""
    if value is None or value == "":
        return False if field.type == "boolean" else None
    convert = _BY_TYPE.get(field.type)
    return _text(field, value) if convert is None else convert(field, value)


def _wrong_type(field: Field, value: Any) -> ApiError:
    kind = "VALUE_STRING" if isinstance(value, str) else "START_OBJECT" if isinstance(value, dict) else "VALUE"
    wanted = field.type if field.type in ("boolean", "date", "datetime", "int", "double") else "string"
    return bad_json(
        f"Cannot deserialize instance of {wanted} from {kind} value {value} or request may be missing a required "
        f"field at field {field.name}"
    )


def _text(field: Field, value: Any) -> str:
    if isinstance(value, bool):
        value = "true" if value else "false"
    if not isinstance(value, str | int | float):
        raise _wrong_type(field, value)
    text = str(value)
    if field.length and len(text) > field.length:
        label = field.label or field.name
        raise ApiError(
            "STRING_TOO_LONG",
            f"{label}: data value too large: {text} (max length={field.length})",
            fields=[field.name],
        )
    return text


def _email(field: Field, value: Any) -> str:
    text = _text(field, value)
    if _EMAIL.fullmatch(text) is None:
        raise ApiError(
            "INVALID_EMAIL_ADDRESS", f"{field.name}: invalid email address: {text}", fields=[field.name]
        )
    return text


def _choice(field: Field, value: Any) -> str:
    text = _text(field, value)
    if not field.restricted or text in field.picklist:
        return text
    known = next((choice for choice in field.picklist if choice.lower() == text.lower()), None)
    if known is None:
        raise ApiError(
            "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST",
            f"{field.label or field.name}: bad value for restricted picklist field: {text}",
            fields=[field.name],
        )
    return known


def _boolean(field: Field, value: Any) -> bool:
    if isinstance(value, bool):
        return value
    text = str(value).lower() if isinstance(value, str | int) else ""
    if text not in _TRUE | _FALSE:
        raise _wrong_type(field, value)
    return text in _TRUE


def _number(field: Field, value: Any) -> float | int:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise _wrong_type(field, value)
    try:
        exact = Decimal(str(value).strip())
    except InvalidOperation:
        raise _wrong_type(field, value) from None
    whole_digits = field.precision - field.scale
    if not exact.is_finite() or abs(exact) >= Decimal(10) ** whole_digits:
        raise ApiError(
            "NUMBER_OUTSIDE_VALID_RANGE",
            f"{field.label or field.name}: value outside of valid range on numeric field: {value}",
            fields=[field.name],
        )
    rounded = exact.quantize(Decimal(1).scaleb(-field.scale), rounding=ROUND_HALF_UP)
    return int(rounded) if field.type == "int" else float(rounded)


def _date(field: Field, value: Any) -> str:
    day = parse_date(value) if isinstance(value, str) else None
    if day is None:
        raise _wrong_type(field, value)
    return day


def _moment(field: Field, value: Any) -> str:
    instant = parse_datetime(value) if isinstance(value, str) else None
    if instant is None:
        raise _wrong_type(field, value)
    return datetime_text(instant)


def _reference(field: Field, value: Any) -> str:
    record_id = normalised(value)
    if record_id is None:
        raise ApiError(
            "MALFORMED_ID",
            f"{field.label or field.name}: id value of incorrect type: {value}",
            fields=[field.name],
        )
    return record_id


def _anything(_field: Field, value: Any) -> Any:
    return value


_BY_TYPE: dict[str, Callable[[Field, Any], Any]] = {
    "email": _email,
    "picklist": _choice,
    "boolean": _boolean,
    "int": _number,
    "double": _number,
    "currency": _number,
    "percent": _number,
    "date": _date,
    "datetime": _moment,
    "reference": _reference,
    "id": _reference,
    "complexvalue": _anything,
}


def rounded_money(value: float) -> float:
    """An amount at two decimals, halves away from zero, free of binary dust."""
    assert math.isfinite(value)
    return float(Decimal(str(value)).quantize(Decimal("0.01"), rounding=ROUND_HALF_UP))


def product_of(quantity: float, price: float) -> float:
    """Quantity times price, computed in decimals."""
    return rounded_money(float(Decimal(str(quantity)) * Decimal(str(price))))
