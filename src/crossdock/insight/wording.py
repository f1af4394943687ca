"""The words in which people read what the hub did: steps by their names, quantities, durations, headlines."""

from crossdock.canonical.status import OrderStatus
from crossdock.kit.money import Quantity
from crossdock.ports.order_board import BoardRow

STATUS_WORDS: dict[OrderStatus, str] = {
    OrderStatus.CAPTURED: "Captured",
    OrderStatus.WAITING: "Waiting",
    OrderStatus.ACCEPTED: "Accepted",
    OrderStatus.PARTLY_ACCEPTED: "Partly accepted",
    OrderStatus.REFUSED: "Refused",
    OrderStatus.NEEDS_ATTENTION: "Needs attention",
    OrderStatus.SHIPPED: "Shipped",
    OrderStatus.INVOICED: "Invoiced",
    OrderStatus.CANCELLED: "Cancelled",
}

_SECOND_MS = 1_000
_MINUTE_MS = 59_950  # what rounds to 60.0 s is a minute

_STEPS = {
    "enrich": "Customer, products and prices looked up",
    "hold_stock": "Stock looked for",
    "submit_to_erp": "Submitted to the ERP",
    "undo:hold_stock": "Stock given back",
    "undo:submit_to_erp": "Withdrawn from the ERP",
    "report": "Status shown",
}


def step_in_words(step: str) -> str:
    """What a step did; a step we have no words for is shown by its name."""
    known = _STEPS.get(step)
    if known is not None:
        return known
    kind, _, name = step.rpartition(":")
    words = name.replace("_", " ")
    match kind:
        case "undo":
            return f"Undone: {words}"
        case "signal":
            return f"Heard: {words}"
        case "timer":
            return f"Waited: {words}"
    return words[:1].upper() + words[1:]


def duration_in_words(microseconds: int) -> str:
    """A duration in one or two units: `340 ms`, `1.8 s`, `4 min 10 s`, `2 h 5 min`, `3 d 4 h`."""
    milliseconds = round(max(microseconds, 0) / 1_000)
    if milliseconds < _SECOND_MS:
        return f"{milliseconds} ms"
    if milliseconds < _MINUTE_MS:
        return f"{milliseconds / _SECOND_MS:.1f} s".replace(".0 ", " ")
    whole = round(milliseconds / _SECOND_MS)
    for size, unit, part_size, part in ((86_400, "d", 3_600, "h"), (3_600, "h", 60, "min"), (60, "min", 1, "s")):
        if whole >= size:
            count, rest = divmod(whole, size)
            return f"{count} {unit} {rest // part_size} {part}" if rest // part_size else f"{count} {unit}"
    return f"{whole} s"


def quantity_in_words(micro: int, unit: str = "") -> str:
    """Millionths as people write them: `2 EA`."""
    value = Quantity.from_micro(micro).value
    return f"{value} {unit}" if unit else value


def headline(row: BoardRow) -> str:
    """One sentence that says how the order stands."""
    took = duration_in_words(row.decided_at - row.captured_at)
    match row.status:
        case OrderStatus.ACCEPTED:
            return f"Accepted by {row.erp or 'the ERP'} as {row.erp_number}, {took} after it was captured."
        case OrderStatus.PARTLY_ACCEPTED:
            return f"Partly accepted by {row.erp or 'the ERP'} as {row.erp_number}, {took} after it was captured."
        case OrderStatus.REFUSED:
            return f"Refused {took} after it was captured. {row.reason}".rstrip()
        case OrderStatus.WAITING | OrderStatus.NEEDS_ATTENTION:
            return row.reason or STATUS_WORDS[row.status]
    return f"{STATUS_WORDS[row.status]}. {row.reason}".removesuffix(" ")
