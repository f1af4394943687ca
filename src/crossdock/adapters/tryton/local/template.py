"""The template: a database with the modules activated and the estate in it, built once and then copied.

It is known by the versions of Tryton's packages and a hash of everything that seeds it, built under another
name, and renamed when it is complete: a build that was killed leaves nothing that could be taken for whole.
"""

import hashlib
import os
import secrets
import shutil
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path

import msgspec

from crossdock.adapters.tryton.client import TrytonClient
from crossdock.adapters.tryton.local import estate, seed, server
from crossdock.adapters.tryton.local.database import Databases
from crossdock.adapters.tryton.settings import TrytonSettings
from crossdock.kit.clock import SystemClock
from crossdock.kit.redaction import Secret
from crossdock.ports.manifest import Progress

ADMIN_USER = "admin"
_ADMIN_EMAIL = "admin@example.com"
_BASE_MODULES = ("ir", "res")
# How many lines the administration logs while it creates the database: only the progress bar depends on it.
_LOG_LINES = 830
_PASSWORD_BYTES = 18


class Passwords(msgspec.Struct, frozen=True):
    """The users of a template and of all its copies; they are random and open nothing but this database."""

    admin: str
    hub: str


def fingerprint() -> str:
    """Twelve hex digits that change with Tryton's versions and with whatever seeds the template."""
    digest = hashlib.blake2s(digest_size=6)
    packages = {item.metadata["Name"].lower().replace("_", "-") for item in metadata.distributions()}
    for name in sorted(packages):
        if name == "trytond" or name.startswith("trytond-"):
            digest.update(f"{name}={metadata.version(name)}\n".encode())
    for module in (estate, seed):
        digest.update(Path(str(module.__file__)).read_bytes())
    # The fiscal years begin with the year of seeding.
    digest.update(str(datetime.now(UTC).year).encode())
    return digest.hexdigest()


class Template:
    """The template of one place. `directory` holds its passwords, and the file itself where it is SQLite."""

    def __init__(self, databases: Databases, directory: Path) -> None:
        self._databases = databases
        self._directory = directory
        self.name = f"crossdock_template_{fingerprint()}"

    @property
    def passwords(self) -> Passwords:
        """Who may sign in to the template's copies."""
        return msgspec.json.decode(self._password_file.read_bytes(), type=Passwords)

    @property
    def _password_file(self) -> Path:
        return self._directory / f"{self.name}.{self._databases.place}.json"

    async def ensure(self, progress: Progress) -> None:
        """Build it unless it is there."""
        if self._password_file.exists() and await self._databases.exists(self.name):
            return
        await self._databases.drop(self.name)  # without its passwords it is of no use
        building = f"{self.name}_{os.getpid()}"
        work = self._directory / building
        work.mkdir(parents=True, exist_ok=True)
        try:
            passwords = await self._build(building, work, progress)
            # The passwords first: what bears the final name is complete.
            fresh = work / "passwords.json"
            write_private(fresh, msgspec.json.encode(passwords).decode())
            fresh.replace(self._password_file)
            await self._databases.rename(building, self.name)
        finally:
            await self._databases.drop(building)
            shutil.rmtree(work, ignore_errors=True)

    async def _build(self, name: str, work: Path, progress: Progress) -> Passwords:
        passwords = Passwords(*(secrets.token_urlsafe(_PASSWORD_BYTES) for _ in range(2)))
        await self._databases.drop(name)
        await self._databases.create(name)
        write_private(work / "password", passwords.admin)
        server.write_configuration(work / "trytond.conf", self._databases.configuration, port=server.free_port())
        await server.administrate(
            work / "trytond.conf",
            name,
            *("-u", *_BASE_MODULES, *seed.MODULES, "--activate-dependencies", "--email", _ADMIN_EMAIL),
            password_file=work / "password",
            log=work / "admin.log",
            seen=lambda lines: progress("installing Tryton", min(lines, _LOG_LINES), _LOG_LINES),
        )
        running = server.Server(work, self._databases.configuration, name)
        await running.start()
        settings = TrytonSettings(
            base_url=running.url, database=name, user=ADMIN_USER, password=Secret(passwords.admin)
        )
        client = TrytonClient(settings, SystemClock())
        try:
            await client.open()
            await seed.seed(
                client,
                today=datetime.now(UTC).date(),
                hub_password=Secret(passwords.hub),
                progress=lambda done, total: progress("seeding Tryton", done, total),
            )
        finally:
            await client.close()
            await running.stop()
        return passwords


def write_private(path: Path, text: str) -> None:
    """Write a file that only its owner reads."""
    path.touch(mode=0o600)
    path.write_text(text, encoding="utf-8")
