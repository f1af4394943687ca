"""The secrets of a deployment: what wraps the keys of customers, and what makes the index of look-ups unreadable.

    index: 3q2+7w…                   hashes references and match keys; stays as long as the database
    2026-11-21: wpP0…                wraps the key of every customer; the first one named wraps new ones

One secret a line: a name, a colon, 32 random bytes in base64. A new wrapping key goes on a line above the old one,
which stays until `crossdock privacy rotate` has wrapped every key anew.
"""

import binascii
import contextlib
import hashlib
import os
from base64 import b64decode, b64encode
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from crossdock.kit.errors import Misconfigured
from crossdock.kit.redaction import Secret

INDEX = "index"
SECRET_BYTES = 32
NONCE_BYTES = 12
_NOTE = (
    "# Crossdock: with these secrets the personal data in the database is read. Without them it is lost.\n"
    "# Keep a copy apart from the copies of the database, and let nobody else read it.\n"
)


def fingerprint(secret: bytes) -> str:
    """By what a secret is known without being told: of 256 random bits it gives nothing away."""
    return hashlib.sha256(b"crossdock" + secret).hexdigest()[:16]


class Keyring:
    """The secrets, ready for use. `wrapping` are those that wrap keys; the first wraps new ones."""

    def __init__(self, index: bytes, wrapping: Sequence[bytes]) -> None:
        self.index = fingerprint(index)
        self.active = fingerprint(wrapping[0])
        self._index = index
        self._wrapping: Mapping[str, AESGCM] = {fingerprint(secret): AESGCM(secret) for secret in wrapping}
        self.blind = lru_cache(maxsize=1 << 14)(self._blind)

    def __repr__(self) -> str:
        return f"Keyring({self.active})"

    def __contains__(self, wrapping: object) -> bool:
        return wrapping in self._wrapping

    def derived(self, purpose: bytes) -> bytes:
        """A secret of its own for one purpose, out of the index secret."""
        return hashlib.blake2b(purpose, key=self._index, digest_size=SECRET_BYTES).digest()

    def _blind(self, text: str) -> str:
        """A keyed hash (BLAKE2b, RFC 7693): who has no key can try no names out."""
        return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), key=self._index, digest_size=16).hexdigest()

    def wrap(self, key: bytes, key_id: int) -> bytes:
        """A customer's key as it is stored, bound to its number."""
        nonce = os.urandom(NONCE_BYTES)
        return nonce + self._wrapping[self.active].encrypt(nonce, key, key_id.to_bytes(8, "big"))

    def unwrap(self, wrapped: bytes, key_id: int, wrapping: str) -> bytes:
        """The key again. Raises Misconfigured (`keys-missing`, `keys-wrong`)."""
        if wrapping not in self._wrapping:
            raise missing(wrapping)
        nonce, content = wrapped[:NONCE_BYTES], wrapped[NONCE_BYTES:]
        try:
            return self._wrapping[wrapping].decrypt(nonce, content, key_id.to_bytes(8, "big"))
        except InvalidTag:
            raise Misconfigured(
                f"a customer's key in the database is not what {wrapping} wrapped", code="keys-wrong"
            ) from None


def missing(wrapping: str) -> Misconfigured:
    """What to say where a secret is not there."""
    return Misconfigured(
        f"personal data in this database is sealed with the secret {wrapping}, which is not among those given "
        "(`keys` in hub.yaml, or .crossdock/keys): restore it; nothing was written",
        code="keys-missing",
    )


def read_keyring(text: str) -> Keyring:
    """The secrets of a text as described above; lines may be parted by commas, too. Raises Misconfigured."""
    index, wrapping = b"", []
    said = "\n".join(line.partition("#")[0] for line in text.splitlines())
    for entry in filter(None, map(str.strip, said.replace(",", "\n").splitlines())):
        name, colon, value = entry.partition(":")
        secret = _secret(value) if colon else b""
        if len(secret) != SECRET_BYTES:
            raise Misconfigured("a line of the keys is no `name: 32 bytes in base64`", code="keys-unreadable")
        if name.strip() == INDEX:
            index = secret
        else:
            wrapping.append(secret)
    if not index or not wrapping:
        raise Misconfigured(f"the keys need one line `{INDEX}: …` and at least one other", code="keys-unreadable")
    return Keyring(index, wrapping)


def _secret(text: str) -> bytes:
    try:
        return b64decode(text.strip(), validate=True)
    except (binascii.Error, ValueError):
        return b""


def new_secrets(name: str) -> str:
    """The text of a new keyring; `name` is that of its wrapping key."""
    lines = (f"{each}: {b64encode(os.urandom(SECRET_BYTES)).decode()}\n" for each in (INDEX, name))
    return _NOTE + "".join(lines)


class KeySource(Protocol):
    """Where a deployment's secrets come from."""

    def read(self) -> Keyring | None:
        """The secrets, or None where there are none yet. Raises Misconfigured."""
        ...

    def create(self) -> Keyring:
        """New ones, for a database that has none. Raises Misconfigured where they have to be given."""
        ...


class GivenKeys:
    """Secrets by reference, from the environment or a mounted file."""

    def __init__(self, text: Secret) -> None:
        self._text = text

    def read(self) -> Keyring | None:
        """See KeySource."""
        return read_keyring(self._text.reveal())

    def create(self) -> Keyring:
        """See KeySource."""
        return read_keyring(self._text.reveal())


class KeyFile:
    """A file that the hub makes for itself at its first start, readable by its owner alone."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def read(self) -> Keyring | None:
        """See KeySource."""
        try:
            return read_keyring(self._path.read_text())
        except FileNotFoundError:
            return None
        except (OSError, UnicodeDecodeError) as error:
            raise Misconfigured(f"{self._path} cannot be read", code="keys-unreadable") from error

    def create(self) -> Keyring:
        """See KeySource. Whole or not at all; who comes second takes what the first one made."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        draft = self._path.with_name(f".{self._path.name}.{os.getpid()}")
        try:
            with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
                file.write(new_secrets("first"))
                file.flush()
                os.fsync(file.fileno())
            with contextlib.suppress(FileExistsError):
                self._path.hardlink_to(draft)
        except OSError as error:
            raise Misconfigured(f"{self._path} cannot be written", code="keys-unreadable") from error
        finally:
            draft.unlink(missing_ok=True)
        made = self.read()
        assert made is not None
        return made
