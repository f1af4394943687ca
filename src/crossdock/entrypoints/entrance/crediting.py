"""What the API and the console have in common about credit: the desk, and what its refusals mean."""

from http import HTTPStatus

from crossdock.entrypoints.entrance.context import Entrance
from crossdock.entrypoints.entrance.problems import Problem
from crossdock.kit.errors import CrossdockError
from crossdock.processes.credit_desk import CreditDesk

_DECIDED = frozenset({"nothing-to-decide", "decided-already"})


def credit_desk_of(entrance: Entrance) -> CreditDesk:
    """The desk. Raises Problem (404) where the deployment makes no customers of companies."""
    if entrance.hub.credit is None:
        raise Problem(HTTPStatus.NOT_FOUND, "no-onboarding")
    return entrance.hub.credit


def credit_refusal(error: CrossdockError) -> Exception:
    """A refusal of the desk as a problem: 409 for what is decided already, 403 for who may not decide."""
    if error.code in _DECIDED:
        return Problem(HTTPStatus.CONFLICT, error.code, error.message)
    if error.code == "approver-not-allowed":
        return Problem(HTTPStatus.FORBIDDEN, error.code, error.message)
    return error
