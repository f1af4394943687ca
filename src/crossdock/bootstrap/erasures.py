"""The log of erasures beside the database: a restored backup is brought up to it when the hub starts."""

import asyncio
import os
from pathlib import Path

import msgspec

from crossdock.identity.privacy.erasing import ErasureLine
from crossdock.kit.errors import Misconfigured, Unavailable


class FileErasureLog:
    """See ErasureLog: a file with one erasure a line, readable by its owner alone."""

    def __init__(self, path: Path) -> None:
        self._path = path

    async def note(self, line: ErasureLine) -> None:
        """See ErasureLog."""
        await asyncio.get_running_loop().run_in_executor(None, self._note, line)

    def read(self) -> list[ErasureLine]:
        """All lines. Raises Misconfigured (`erasures-unreadable`)."""
        try:
            content = self._path.read_bytes()
        except FileNotFoundError:
            return []
        except OSError as error:
            raise Misconfigured(f"{self._path} cannot be read", code="erasures-unreadable") from error
        try:
            return [msgspec.json.decode(line, type=ErasureLine) for line in content.splitlines() if line.strip()]
        except msgspec.DecodeError as error:
            raise Misconfigured(f"{self._path} has a line that is none", code="erasures-unreadable") from error

    def _note(self, line: ErasureLine) -> None:
        if any(known.erasure_id == line.erasure_id for known in self.read()):
            return
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with os.fdopen(os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "ab") as file:
                file.write(msgspec.json.encode(line) + b"\n")
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise Unavailable("the log of erasures cannot be written", code="erasure-log") from error
