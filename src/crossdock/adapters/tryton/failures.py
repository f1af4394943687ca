"""What Tryton's answers mean for the hub: each becomes one class of `crossdock.kit.errors`.

Tryton has no error codes, but its messages come from a catalogue and are asked for in English, so a message is
recognised by its fixed words. Names that stand in quotes (customers, records) never leave this module.
"""

import re
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from crossdock.kit.errors import (
    Conflict,
    CrossdockError,
    Finding,
    Invalid,
    Misconfigured,
    NotAuthorized,
    OutcomeUnknown,
    Rejected,
    Throttled,
    Unavailable,
)
from crossdock.kit.redaction import scrub

SYSTEM = "tryton"
_LOGIN_PAUSE_SECONDS = 30.0

_QUOTED = re.compile(r'"[^"]*"')
_RIGHTS = re.compile(r"You are not allowed to |Calling button .* is not allowed")
_MOVED_ON = re.compile(r"You can not call .* on |You are trying to (read|write to) records .* that don't exist")

_PENDING: Mapping[str, str] = {
    "account.msg_erase_party_receivable_payable": "receivable/payable",
    "account_invoice.msg_erase_party_pending_invoice": "invoices",
    "sale.msg_erase_party_pending_sale": "sales",
    "stock.msg_erase_party_shipment": "shipments",
}
"""With what Tryton erases nobody, by its message."""

# (fixed words of the message, the vendor's name of it, error class, our code, path, our words)
_KNOWN: tuple[tuple[re.Pattern[str], str, type[CrossdockError], str, str, str], ...] = (
    (
        re.compile(r"The party .* will exceed their .* credit limit by"),
        "account_credit_limit.msg_party_credit_limit_amount",
        Rejected,
        "credit-limit",
        "$.customer",
        "the order exceeds the customer's credit limit in the ERP, or the customer is blocked there",
    ),
    (
        re.compile(r"The party .* has reached the credit limit level for dunning"),
        "account_credit_limit.msg_party_credit_limit_dunning",
        Rejected,
        "dunning-block",
        "$.customer",
        "the customer is blocked in the ERP because invoices are overdue",
    ),
    (
        re.compile(r"To get a quote for sale .* you must enter an invoice address"),
        "sale.msg_sale_invoice_address_required_for_quotation",
        Invalid,
        "billing-address-missing",
        "$.billing_address",
        "the ERP knows no billing address for this customer and the order brings none",
    ),
    (
        re.compile(r"To get a quote for sale .* you must enter a shipment address"),
        "sale.msg_sale_shipment_address_required_for_quotation",
        Invalid,
        "shipping-address-missing",
        "$.shipping_address",
        "the ERP knows no shipping address for this customer and the order brings none",
    ),
    (
        re.compile(r"To get a quote for sale .* you must enter a warehouse"),
        "sale.msg_sale_warehouse_required_for_quotation",
        Invalid,
        "warehouse-missing",
        "$.fulfilment.location",
        "the ERP needs a warehouse for this order",
    ),
    *(
        (
            re.compile(rf"You cannot erase party .* while they have pending {what} with company"),
            vendor_code,
            Rejected,
            "erasure-pending",
            "$.record",
            f"the ERP erases nobody with whom {what} are open",
        )
        for vendor_code, what in _PENDING.items()
    ),
    (
        re.compile(r"The number of digits in the value .* exceeds the limit"),
        "ir.msg_digits_validation_record",
        Invalid,
        "digits",
        "$",
        "an amount or a quantity has more decimals than the ERP allows for its currency or unit",
    ),
    (
        re.compile(r"A value is required for field"),
        "ir.msg_required_validation_record",
        Invalid,
        "value-required",
        "$",
        "the ERP requires a value that the order does not bring",
    ),
    (
        re.compile(r"The value .* for field .* does not exist"),
        "ir.msg_foreign_model_missing",
        Invalid,
        "reference-unknown",
        "$",
        "the order refers to a record that no longer exists in the ERP",
    ),
)


def from_answer(error: Any) -> CrossdockError:
    """The error for the `error` member of an answer: `[kind, ...]`, or `[message, traceback]` for a fault."""
    kind = error[0] if isinstance(error, list) and error else ""
    detail = error[1] if isinstance(error, list) and len(error) > 1 else None
    texts = [str(text) for text in detail if text] if isinstance(detail, list) else [str(detail or "")]
    if kind == "UserError":
        return _from_message(texts[0] if texts else "")
    if kind == "UserWarning":
        # A warning asks a person "are you sure?"; the hub never says yes in anybody's name.
        name = (texts[0] if texts else "").partition(".")[0].partition("@")[0]
        message = _without_names(texts[1] if len(texts) > 1 else "")
        return Rejected(
            f"the ERP wants a person to confirm: {message}",
            code="confirmation-required",
            system=SYSTEM,
            vendor_code=f"UserWarning {name}".strip(),
        )
    if kind == "ConcurrencyException":
        return Conflict(
            "the record was changed in the ERP meanwhile", code="record-changed", system=SYSTEM, vendor_code=kind
        )
    if kind == "LoginException":
        return NotAuthorized(
            "the ERP asks for a second factor", code="second-factor", system=SYSTEM, vendor_code=kind
        )
    return Invalid(
        f"the ERP failed on this content: {_without_names(str(kind))}",
        code="tryton-fault",
        system=SYSTEM,
        vendor_code="fault",
        findings=[Finding(code="tryton-fault", path="$", message="see the ERP's log")],
    )


def _from_message(message: str) -> CrossdockError:
    if _RIGHTS.match(message):
        return NotAuthorized(
            f"the hub's user lacks a right in the ERP: {message.splitlines()[0]}",
            code="rights",
            system=SYSTEM,
            vendor_code="UserError",
        )
    if _MOVED_ON.match(message):
        return Conflict(
            "the record has moved on in the ERP", code="record-moved-on", system=SYSTEM, vendor_code="UserError"
        )
    for words, vendor_code, kind, code, path, ours in _KNOWN:
        if words.match(message):
            findings = [Finding(code=code, path=path, message=ours)]
            return kind(ours, code=code, system=SYSTEM, vendor_code=vendor_code, findings=findings)
    return Rejected(
        f"the ERP refused: {_without_names(message)}", code="refused", system=SYSTEM, vendor_code="UserError"
    )


def _without_names(message: str) -> str:
    return scrub(_QUOTED.sub("…", message.splitlines()[0]))[:300] if message else "no reason given"


def from_status(status: int, wait_seconds: float | None, *, write: bool, login: bool = False) -> CrossdockError:
    """The error for an HTTP status other than 200. `write`: the call may have changed something."""
    kind: type[CrossdockError] = Misconfigured
    code, words = "not-tryton", f"this address does not answer as Tryton does (HTTP {status})"
    if status in {401, 403}:
        kind, code = NotAuthorized, "credential" if login else "rights"
        words = "the ERP refuses the hub's user" if login else "the ERP refuses the hub's user this call"
    elif status == HTTPStatus.NOT_FOUND:  # for a database that is unknown, and for one that is down
        kind, code, words = Unavailable, "database-unreachable", "the ERP cannot open its database"
    elif status == HTTPStatus.TOO_MANY_REQUESTS:
        kind, code, words = Throttled, "throttled", "the ERP asks for fewer calls"
        # Tryton itself counts failed logins and names no wait.
        wait_seconds = wait_seconds or (_LOGIN_PAUSE_SECONDS if login else None)
    elif status in {400, 413, 422}:
        kind, code, words = Invalid, "call-unreadable", "the ERP cannot read this call"
    elif status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        # Tryton may fail after its commit (when it renews the session), so a write is not known to be undone.
        kind, code = OutcomeUnknown if write else Unavailable, "server-error"
        words = "the ERP failed while it worked on the call"
    return kind(words, code=code, system=SYSTEM, vendor_code=str(status), retry_after_seconds=wait_seconds)
