"""The audit: who laid hands on what and why, each entry chained to the one before."""

import hashlib

from crossdock.durable.codec import encode
from crossdock.durable.store import AuditEntry
from crossdock.kit.clock import Instant
from crossdock.storage.transaction import Transaction

FIRST_DIGEST = "0" * 64


def write_audit(tx: Transaction, at: Instant, actor: str, verb: str, subject: str, reason: str) -> None:
    """Append an entry to the chain; `subject` is the run's id, or what else a person laid hands on."""
    tx.order_commits()
    last = tx.execute("SELECT digest FROM audit ORDER BY sequence DESC LIMIT 1").fetchone()
    previous = last[0] if last else FIRST_DIGEST
    digest = audit_digest(previous, at, actor, verb, subject, reason)
    tx.execute(
        "INSERT INTO audit (at, actor, verb, run_id, reason, digest) VALUES (?, ?, ?, ?, ?, ?)",
        (at, actor, verb, subject, reason, digest),
    )


def audit_digest(previous: str, at: Instant, actor: str, verb: str, run_id: str, reason: str) -> str:
    """The link of one entry to the one before: change, drop or swap an entry and the chain breaks."""
    return hashlib.sha256(encode([previous, at, actor, verb, run_id, reason])).hexdigest()


def read_audit(tx: Transaction, run_id: str, limit: int) -> list[AuditEntry]:
    """The latest entries."""
    where, parameters = ("WHERE run_id = ?", (run_id, limit)) if run_id else ("", (limit,))
    rows = tx.execute(
        f"SELECT sequence, at, actor, verb, run_id, reason, digest FROM audit {where} "
        "ORDER BY sequence DESC LIMIT ?",
        parameters,
    ).fetchall()
    names = AuditEntry.__struct_fields__
    return [AuditEntry(**dict(zip(names, row, strict=True))) for row in rows]
