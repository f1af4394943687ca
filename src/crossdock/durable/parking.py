"""From an error to parked work: a category, a signature that groups equal causes, an owner, a severity."""

import hashlib
from typing import Any

from crossdock.durable.process import Process, Stake
from crossdock.durable.records import Parking
from crossdock.kit.errors import CrossdockError, Recovery, recovery_of
from crossdock.kit.redaction import scrub

DESK = frozenset({Recovery.REPAIR, Recovery.ASSIGN, Recovery.COMPENSATE})
"""Causes that wait for a decision, by whose desk the process is about."""

OWNERS: dict[Recovery, str] = {
    Recovery.PAUSE: "operations",
    Recovery.STOP: "operations",
    Recovery.RETRY: "operations",
}
"""Who looks first where the process names nobody closer to the cause."""


def signature(error: BaseException, process: str, step: str) -> str:
    """Equal causes have equal signatures. `v1` names this way of computing it, so that old links survive."""
    if isinstance(error, CrossdockError):
        first = error.findings[0].code if error.findings else ""
        parts = [process, step, error.system, error.recovery, error.code, error.vendor_code, first]
    else:
        parts = [process, step, type(error).__name__]
    return "v1:" + hashlib.blake2s("\x00".join(parts).encode(), digest_size=8).hexdigest()


def parking_for(error: BaseException, process: Process[Any] | None, step: str, stake: Stake) -> Parking:
    """How `error` is parked. Its words are scrubbed: a vendor may put a customer's address into them."""
    recovery = recovery_of(error)
    name = process.name if process else ""
    known = error if isinstance(error, CrossdockError) else None
    reason = known.message if known else f"{type(error).__name__}: {error}"
    return Parking(
        category=recovery.value,
        code=known.code if known else "bug",
        signature=signature(error, name, step),
        reason=scrub(reason)[:1_000],
        owner=owner_of(recovery, process, known.code if known else ""),
        severity=stake.severity,
        step=step,
        system=known.system if known else "",
        vendor_code=known.vendor_code if known else "",
        domain=stake.domain,
        at_risk=stake.at_risk,
        findings=known.findings if known else (),
    )


def owner_of(recovery: Recovery, process: Process[Any] | None, code: str = "") -> str:
    """Who looks first: where a decision is asked for, the desk of the process, or the one for that code."""
    if recovery in DESK:
        return process.desks.get(code, process.desk) if process else "order-desk"
    return OWNERS.get(recovery, process.owner if process else "integration")
