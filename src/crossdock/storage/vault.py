"""The vault of a store: sealed values, and the key of each subject they are sealed with.

    sealed value   mark (3 bytes) · number of the key (8) · nonce (12) · AES-256-GCM of the value, with its tag
    subject        `party:…` or `record:…`: whose the value is; stored as a keyed hash only

A key is random, and stored wrapped. Where it is destroyed, an empty one stays in its place: whatever was sealed
with it is unreadable, wherever it has been copied to, and what comes for that subject later is not kept (see
docs/decisions/0013).
"""

import os
from array import array
from collections.abc import Collection, Sequence

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from crossdock.durable.codec import encode
from crossdock.durable.records import ERASED
from crossdock.kit.clock import Clock
from crossdock.kit.errors import Misconfigured
from crossdock.storage.keyring import INDEX, NONCE_BYTES, SECRET_BYTES, Keyring, KeySource, missing
from crossdock.storage.transaction import Row, Transaction

MARK = b"\x00s1"
"""No JSON begins so."""
UNREADABLE = b'{"unreadable":true}'
"""What is read where somebody changed the sealed value."""
_KEY_AT, _NONCE_AT = len(MARK), len(MARK) + 8
_CONTENT_AT = _NONCE_AT + NONCE_BYTES
UNLOCKING = 1 << 20
"""Held by whoever looks which secrets the database knows, and changes that."""
KEY_COLUMNS = ("key_id", "subject", "wrapped", "wrapping", "at")


class SubjectKey:
    """The key of one subject, or what is left of it."""

    def __init__(self, key_id: int, secret: bytes) -> None:
        self.head = MARK + key_id.to_bytes(8, "big")
        self._cipher = AESGCM(secret) if secret else None

    @property
    def is_destroyed(self) -> bool:
        """Whether nothing can be sealed or opened any more."""
        return self._cipher is None

    def seal(self, value: bytes, nonce: bytes) -> bytes:
        """A sealed value; `nonce` is used once. With a destroyed key nothing of the value is kept."""
        if self._cipher is None:
            return self.head
        return self.head + nonce + self._cipher.encrypt(nonce, value, self.head)

    def open(self, sealed: bytes) -> bytes:
        """The value, or what to read in its place: it fails whoever needs it, not those who are read along."""
        if self._cipher is None or len(sealed) <= _CONTENT_AT:
            return ERASED
        try:
            return self._cipher.decrypt(sealed[_NONCE_AT:_CONTENT_AT], sealed[_CONTENT_AT:], self.head)
        except InvalidTag:
            return UNREADABLE


def new_key_id() -> int:
    """A number of 63 random bits: nobody has to ask which are taken."""
    return int.from_bytes(os.urandom(8), "big") >> 1


def key_id_of(sealed: bytes) -> int:
    """The number of the key that a value is sealed with."""
    return int.from_bytes(sealed[_KEY_AT:_NONCE_AT], "big")


class Vault:
    """Holds the deployment's secrets once they were checked against the database.

    `seals_orders`: what is written of orders' runs is sealed, too; what was sealed is read in either case.
    """

    def __init__(self, source: KeySource, clock: Clock, *, seals_orders: bool = False) -> None:
        self._source, self._clock = source, clock
        self.seals_orders = seals_orders
        self._keyring: Keyring | None = None

    @property
    def keyring(self) -> Keyring | None:
        """The secrets; None until the vault is unlocked."""
        return self._keyring

    def unlock(self, tx: Transaction) -> None:
        """Check the secrets against those that the database was sealed with, and note new ones.

        Raises Misconfigured (`keys-missing`, `keys-wrong`, `keys-unreadable`) before anything is written.
        """
        tx.hold_numbers([UNLOCKING])
        known = dict(tx.execute("SELECT fingerprint, purpose FROM vault_secret").fetchall())
        keyring = self._source.read()
        if keyring is None:
            if known:
                raise missing(next(iter(known)))
            keyring = self._source.create()
        index = [each for each, purpose in known.items() if purpose == INDEX]
        if index and index != [keyring.index]:
            raise Misconfigured(
                f"the keys are not those of this database: its index was made with {index[0]}, "
                f"and {keyring.index} was given; nothing was written",
                code="keys-wrong",
            )
        for each, purpose in known.items():
            if purpose == "wrapping" and each not in keyring:
                raise missing(each)
        now = self._clock.now()
        named = [(keyring.index, INDEX, now), (keyring.active, "wrapping", now)]
        new = [row for row in named if row[0] not in known]
        tx.insert("vault_secret", ("fingerprint", "purpose", "at"), new)
        self._keyring = keyring

    def keys_of(self, tx: Transaction, subjects: Collection[str]) -> dict[str, SubjectKey]:
        """The key of each subject; who has none gets one."""
        keyring = self._ready()
        blind = {keyring.blind(subject): subject for subject in subjects}
        rows = tx.select_in(
            "SELECT key_id, subject, wrapped, wrapping FROM subject_key WHERE subject", sorted(blind)
        )
        keys: dict[str, SubjectKey] = {}
        for key_id, subject, wrapped, wrapping in rows:
            known = keys.get(blind[subject])
            if known is None or not known.is_destroyed:
                keys[blind[subject]] = self._key(keyring, key_id, bytes(wrapped), wrapping)
        new: list[Row] = []
        for hashed, subject in sorted(blind.items()):
            if subject not in keys:
                key_id, secret = new_key_id(), os.urandom(SECRET_BYTES)
                keys[subject] = SubjectKey(key_id, secret)
                wrapped = keyring.wrap(secret, key_id)
                new.append((key_id, hashed, wrapped, keyring.active, self._clock.now()))
        tx.insert("subject_key", KEY_COLUMNS, new)
        return keys

    def keys_by_id(self, tx: Transaction, key_ids: Collection[int]) -> dict[int, SubjectKey]:
        """The keys of these numbers."""
        keyring = self._ready()
        rows = tx.execute(
            f"SELECT k.key_id, k.wrapped, k.wrapping FROM {tx.numbers} n JOIN subject_key k ON k.key_id = n.value",
            (encode(sorted(key_ids)).decode(),),
        ).fetchall()
        found = {row[0]: self._key(keyring, row[0], bytes(row[1]), row[2]) for row in rows}
        return {one: found.get(one) or SubjectKey(one, b"") for one in key_ids}

    def hashed(self, subject: str) -> str:
        """Whose data it is, as the table of keys has it."""
        return self._ready().blind(subject)

    def blinded(self, keys: Sequence[int]) -> list[int]:
        """Match keys as the index has them: each by AES under a secret of the deployment, cut to 64 bits."""
        if not keys:
            return []
        blocks = array("q", bytes(16 * len(keys)))
        blocks[::2] = array("q", keys)
        cipher = Cipher(algorithms.AES(self._ready().derived(b"match")), modes.ECB())  # noqa: S305 - one block each: a keyed permutation
        return array("q", cipher.encryptor().update(blocks.tobytes()))[::2].tolist()

    def _ready(self) -> Keyring:
        if self._keyring is None:
            raise AssertionError("the vault was not unlocked")
        return self._keyring

    @staticmethod
    def _key(keyring: Keyring, key_id: int, wrapped: bytes, wrapping: str) -> SubjectKey:
        return SubjectKey(key_id, keyring.unwrap(wrapped, key_id, wrapping) if wrapped else b"")
