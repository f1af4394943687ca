"""Every error says what happens next, and nothing else decides it."""

import pytest

from crossdock.kit import errors
from crossdock.kit.errors import CrossdockError, Finding, Recovery, Throttled, Transient, recovery_of

NEXT = {
    "Misconfigured": Recovery.STOP,
    "Transient": Recovery.RETRY,
    "Unavailable": Recovery.RETRY,
    "Locked": Recovery.RETRY,
    "Throttled": Recovery.RETRY,
    "OutcomeUnknown": Recovery.ASK,
    "Rejected": Recovery.COMPENSATE,
    "Invalid": Recovery.REPAIR,
    "Conflict": Recovery.REREAD,
    "NotAuthorized": Recovery.PAUSE,
    "Unsupported": Recovery.STOP,
    "CompensationFailed": Recovery.ASSIGN,
}


@pytest.mark.parametrize(("name", "recovery"), NEXT.items())
def test_each_error_says_what_happens_next(name: str, recovery: Recovery) -> None:
    error = getattr(errors, name)("words", code="x", system="erp", vendor_code="42")
    assert recovery_of(error) is recovery
    assert (error.message, error.code, error.system, error.vendor_code) == ("words", "x", "erp", "42")
    assert str(error) == "words"


def test_the_tree_has_no_error_that_nobody_knows() -> None:
    found = {
        name
        for name, value in vars(errors).items()
        if isinstance(value, type) and issubclass(value, CrossdockError) and value is not CrossdockError
    }
    assert found == set(NEXT)


@pytest.mark.parametrize("bug", [KeyError("x"), AssertionError(), RecursionError(), CrossdockError("bare")])
def test_everything_outside_the_tree_is_a_bug(bug: Exception) -> None:
    assert recovery_of(bug) is Recovery.BUG


def test_a_throttle_tells_a_used_up_quota_from_a_burst() -> None:
    burst, gone = Throttled("slower", retry_after_seconds=3.0), Throttled("tomorrow", exhausted=True)
    assert isinstance(burst, Transient)
    assert (burst.exhausted, burst.retry_after_seconds) == (False, 3.0)
    assert (gone.exhausted, gone.retry_after_seconds) == (True, None)


def test_an_error_without_a_code_has_a_stable_one() -> None:
    assert errors.Unavailable("x").code == "unavailable"
    assert errors.Invalid("x", findings=[Finding("a", "$", "b")]).findings == (Finding("a", "$", "b"),)
