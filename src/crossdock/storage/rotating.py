"""Every customer's key wrapped anew with the first secret of the keyring, so that an older one can go.

    page by page ─ unwrap, wrap with the first secret ─ until none is left ─ forget the older secrets

A page is a commit: whatever ends it between, what is done stays done and the rest is found again. The keys stay
what they are, so nothing that was sealed changes, and a hub that has both secrets reads on at every moment. Rows
that somebody else holds (an erasure) are passed over and looked at again: who waits for nobody is in no deadlock.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable
from functools import partial
from typing import TypeVar

from crossdock.kit.clock import Instant
from crossdock.kit.errors import Conflict
from crossdock.storage.audit import write_audit
from crossdock.storage.claims import list_workers
from crossdock.storage.keyring import Keyring
from crossdock.storage.transaction import Transaction
from crossdock.storage.vault import UNLOCKING, Vault

T = TypeVar("T")
PAGE = 500
_OLDER = "wrapping <> '' AND wrapping <> ?"
"""Destroyed keys have no wrapping."""


class RotationStore(ABC):
    """A store whose keys can be wrapped anew; without a vault there are none."""

    _vault: Vault | None

    @abstractmethod
    async def _read(self, work: Callable[[Transaction], T]) -> T: ...

    @abstractmethod
    async def _write(self, work: Callable[[Transaction], T]) -> T: ...

    async def count_older_keys(self) -> int:
        """How many keys another secret than the first wrapped."""
        keyring = self._keyring()
        return await self._read(partial(count_older, keyring=keyring)) if keyring else 0

    async def check_rotation(self, now: Instant) -> None:
        """Raise Conflict (`keys-not-everywhere`) while a worker runs that may not have the first secret."""
        if keyring := self._keyring():
            await self._read(partial(check_workers, keyring=keyring, now=now))

    async def rotate_page(self, behind: int = -1, limit: int = PAGE) -> tuple[int, int]:
        """Wrap the next keys anew, in the order of their numbers: the last number, and how many there were.

        None are left behind it where there were none. Raises Misconfigured (`keys-missing`, `keys-wrong`).
        """
        keyring = self._keyring()
        if keyring is None:
            return behind, 0
        return await self._write(partial(rotate_page, keyring=keyring, behind=behind, limit=limit))

    async def retire_secrets(self, actor: str, now: Instant) -> bool:
        """Forget the secrets that wrap nothing any more; False where one still does: rotate on.

        From then on the database opens without them. Raises Conflict as `check_rotation` does.
        """
        keyring = self._keyring()
        return keyring is None or await self._write(partial(retire_secrets, keyring=keyring, actor=actor, now=now))

    def _keyring(self) -> Keyring | None:
        return self._vault.keyring if self._vault is not None else None


def count_older(tx: Transaction, keyring: Keyring) -> int:
    """See RotationStore."""
    row = tx.execute(f"SELECT count(*) FROM subject_key WHERE {_OLDER}", (keyring.active,)).fetchone()
    return int(row[0])


def rotate_page(tx: Transaction, keyring: Keyring, behind: int, limit: int) -> tuple[int, int]:
    """See RotationStore."""
    rows = tx.execute(
        f"SELECT key_id, wrapped, wrapping FROM subject_key WHERE key_id > ? AND {_OLDER} "
        f"ORDER BY key_id LIMIT ? {tx.skips_locked}",
        (behind, keyring.active, limit),
    ).fetchall()
    anew = [
        (keyring.wrap(keyring.unwrap(bytes(wrapped), key_id, wrapping), key_id), keyring.active, key_id)
        for key_id, wrapped, wrapping in rows
    ]
    tx.update("subject_key", ("wrapped", "wrapping"), ("key_id",), anew)
    return (rows[-1][0] if rows else behind), len(rows)


def retire_secrets(tx: Transaction, keyring: Keyring, actor: str, now: Instant) -> bool:
    """See RotationStore. Nobody unlocks meanwhile."""
    tx.hold_numbers([UNLOCKING])
    check_workers(tx, keyring, now)
    if count_older(tx, keyring):
        return False
    retired = tx.execute(
        "DELETE FROM vault_secret WHERE purpose = 'wrapping' AND fingerprint <> ? RETURNING fingerprint",
        (keyring.active,),
    ).fetchall()
    for row in sorted(retired):
        write_audit(tx, now, actor, "retire-secret", f"secret/{row[0]}", f"{keyring.active} wraps its keys")
    return True


def check_workers(tx: Transaction, keyring: Keyring, now: Instant) -> None:
    """See `check_rotation`: whoever began before the secret was first used may not have it."""
    since = tx.execute("SELECT at FROM vault_secret WHERE fingerprint = ?", (keyring.active,)).fetchone()[0]
    before = [one.worker_id for one in list_workers(tx) if one.started_at < since and one.lease_until > now]
    if before:
        raise Conflict(
            f"{', '.join(before[:5])} began before the secret {keyring.active} was here, and could read nothing "
            "that it wraps: restart every process of the hub first",
            code="keys-not-everywhere",
        )
