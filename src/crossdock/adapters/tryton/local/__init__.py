"""A real Tryton on this machine: installed, seeded, started and stopped by the product itself."""

import os
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from crossdock.adapters.tryton.local.database import Databases, PostgresDatabases, SqliteDatabases
from crossdock.adapters.tryton.local.seed import HUB_USER
from crossdock.adapters.tryton.local.server import Server, program
from crossdock.adapters.tryton.local.template import ADMIN_USER, Passwords, Template, write_private
from crossdock.kit.redaction import Secret
from crossdock.ports.manifest import Progress

_SQLITE_NAME = "erp"


class LocalTryton:
    """One Tryton with the estate of `local.estate`; implements `LocalSystem`.

    `directory` holds its configuration, its log (`trytond.log`) and, on SQLite, its database. `database` is
    `sqlite` or a `postgresql://` address whose role may create databases; there, the database is named anew for
    every instance and dropped by `stop`. `keep`: go on with the SQLite database of the last run instead of a
    fresh copy. The template is cached under `cache_directory` (default: the user's cache).
    """

    def __init__(
        self,
        directory: Path | str,
        *,
        database: str = "sqlite",
        port: int = 0,
        cache_directory: Path | str | None = None,
        keep: bool = False,
    ) -> None:
        self._directory = Path(directory)
        cache = Path(cache_directory) if cache_directory else _user_cache()
        self._keep = keep
        templates: Databases
        self._databases: Databases
        if database == "sqlite":
            self.name = _SQLITE_NAME
            templates = SqliteDatabases(cache)
            self._databases = SqliteDatabases(self._directory, templates=cache)
        else:
            self.name = f"crossdock_{uuid.uuid4().hex[:12]}"
            self._databases = templates = PostgresDatabases(database)
        self._drops = database != "sqlite"
        self._template = Template(templates, cache)
        self.server = Server(self._directory, self._databases.configuration, self.name, port=port)

    async def start(self, progress: Progress | None = None) -> Mapping[str, Any]:
        """Serve a seeded database and return the hub's settings for it.

        The first start on a machine builds the template (half a minute), later ones copy it (seconds). Raises
        Misconfigured where Tryton is not installed, Unavailable where it or PostgreSQL does not answer.
        """
        tell = progress or _tell_nobody
        program("trytond")
        self._directory.mkdir(parents=True, exist_ok=True)
        kept = self._keep and self._passwords.exists() and await self._databases.exists(self.name)
        if not kept:
            await self._template.ensure(tell)
            await self._databases.copy(self._template.name, self.name)
            write_private(self._passwords, msgspec.json.encode(self._template.passwords).decode())
        tell("starting Tryton", 0, 1)
        await self.server.start()
        tell("starting Tryton", 1, 1)
        return self.settings(HUB_USER)

    async def stop(self) -> None:
        """See `LocalSystem.stop`. A database in PostgreSQL is dropped, a SQLite file stays."""
        await self.server.stop()
        if self._drops:
            await self._databases.drop(self.name)

    async def go_down(self) -> None:
        """Stop serving, as in an outage; the database stays as it is."""
        await self.server.stop()

    async def come_back(self) -> None:
        """Serve again, at the same address, after `go_down` or after the server was killed."""
        await self.server.start()

    def settings(self, user: str) -> Mapping[str, Any]:
        """The settings to connect with as `user`: the hub, or the administrator who can do what clerks do."""
        passwords = msgspec.json.decode(self._passwords.read_bytes(), type=Passwords)
        password = {HUB_USER: passwords.hub, ADMIN_USER: passwords.admin}[user]
        return {
            "base_url": self.server.url,
            "database": self.name,
            "user": user,
            "password": Secret(password),
        }

    @property
    def _passwords(self) -> Path:
        return self._directory / "passwords.json"


def _user_cache() -> Path:
    base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(base) / "crossdock" / "tryton"


def _tell_nobody(_stage: str, _done: int, _total: int) -> None:
    return
