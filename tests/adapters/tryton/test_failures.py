"""Each of Tryton's answers means one thing to the hub, and nobody's name is told."""

from typing import Any

import pytest

from crossdock.adapters.tryton import failures
from crossdock.kit.errors import (
    Conflict,
    CrossdockError,
    Invalid,
    Misconfigured,
    NotAuthorized,
    OutcomeUnknown,
    Rejected,
    Throttled,
    Unavailable,
)


def user_error(message: str) -> list[Any]:
    return ["UserError", [message, "", None]]


@pytest.mark.parametrize(
    ("answer", "kind", "code"),
    [
        (
            user_error('The party "Ada Beispiel" will exceed their €0.00 credit limit by €9.00.'),
            Rejected,
            "credit-limit",
        ),
        (
            user_error('The party "A" has reached the credit limit level for dunning "B".'),
            Rejected,
            "dunning-block",
        ),
        (
            user_error('To get a quote for sale "[K]" you must enter an invoice address.'),
            Invalid,
            "billing-address-missing",
        ),
        (
            user_error('To get a quote for sale "[K]" you must enter a shipment address.'),
            Invalid,
            "shipping-address-missing",
        ),
        (
            user_error('To get a quote for sale "[K]" you must enter a warehouse for the line "x".'),
            Invalid,
            "warehouse-missing",
        ),
        (
            user_error('The value "999999" for field "Party" in "Sale" does not exist.'),
            Invalid,
            "reference-unknown",
        ),
        (user_error('You are not allowed to access "Party".'), NotAuthorized, "rights"),
        (user_error('Calling button "quote on "Sale" is not allowed.'), NotAuthorized, "rights"),
        (user_error('You can not call "quote" on "1 [K]" of "Sale".'), Conflict, "record-moved-on"),
        (
            user_error('You are trying to read records "7" of "Sale" that don\'t exist.'),
            Conflict,
            "record-moved-on",
        ),
        (user_error("Something nobody has seen before."), Rejected, "refused"),
        (["UserWarning", ["name.abc", "Are you sure?", ""]], Rejected, "confirmation-required"),
        (["ConcurrencyException", "Records have been modified in the meanwhile"], Conflict, "record-changed"),
        (["LoginException", ["code", "Code", "char"]], NotAuthorized, "second-factor"),
        (["'no.such.model'", ""], Invalid, "tryton-fault"),
        ([], Invalid, "tryton-fault"),
        ("nonsense", Invalid, "tryton-fault"),
        (["UserError", []], Rejected, "refused"),
    ],
)
def test_an_error_in_the_answer_has_one_meaning(answer: Any, kind: type[CrossdockError], code: str) -> None:
    error = failures.from_answer(answer)

    assert (type(error), error.code, error.system) == (kind, code, "tryton")
    assert error.vendor_code or not answer


@pytest.mark.parametrize(
    "answer",
    [
        user_error('The party "Ada Beispiel" is odd.'),
        user_error('The party "Ada Beispiel" will exceed their 0 credit limit by 9.'),
        ["UserWarning", ["w", 'Ship to "Ada Beispiel"?', ""]],
        ['"Ada Beispiel" is not unique', ""],
        user_error("Write to ada@beispiel.example instead."),
    ],
)
def test_nobodys_name_is_told(answer: Any) -> None:
    error = failures.from_answer(answer)

    told = f"{error} {error.message} {error.findings} {error.vendor_code}"
    assert "Ada" not in told
    assert "beispiel" not in told


@pytest.mark.parametrize(
    ("status", "write", "login", "kind"),
    [
        (400, True, False, Invalid),
        (401, True, False, NotAuthorized),
        (401, False, True, NotAuthorized),
        (403, True, False, NotAuthorized),
        (404, True, False, Unavailable),
        (418, True, False, Misconfigured),
        (422, True, False, Invalid),
        (429, True, False, Throttled),
        (500, True, False, OutcomeUnknown),
        (500, False, False, Unavailable),
        (503, True, False, OutcomeUnknown),
        (503, False, False, Unavailable),
        (504, True, False, OutcomeUnknown),
    ],
)
def test_a_status_has_one_meaning(status: int, write: bool, login: bool, kind: type[CrossdockError]) -> None:
    error = failures.from_status(status, None, write=write, login=login)

    assert (type(error), error.vendor_code) == (kind, str(status))


def test_the_vendors_wait_is_kept() -> None:
    assert failures.from_status(429, 7.0, write=True).retry_after_seconds == 7


def test_too_many_sign_ins_wait_although_tryton_names_no_time() -> None:
    assert failures.from_status(429, None, write=False, login=True).retry_after_seconds
