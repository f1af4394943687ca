"""Results as files: written beside their place and renamed, so that nothing half-written is ever found there.

They hold people's data: their owner alone may read them.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from crossdock.kit.errors import Finding, Invalid

FLAGS = os.O_WRONLY | os.O_CREAT | os.O_EXCL


@contextmanager
def replacing(path: Path) -> Iterator[TextIO]:
    """A file to write that takes its name only when it is whole. Raises Invalid where it cannot be written."""
    partial = path.with_name(f".{path.name}.partial")
    try:
        partial.unlink(missing_ok=True)
        with os.fdopen(os.open(partial, FLAGS, 0o600), "w", encoding="utf-8", newline="") as file:
            yield file
        partial.replace(path)
    except OSError as error:
        words = error.strerror or "it cannot be written"
        finding = Finding("file-unwritable", str(path), words)
        raise Invalid(f"{path.name} cannot be written", code="file-unwritable", findings=[finding]) from None
    finally:
        partial.unlink(missing_ok=True)


def write_text(path: Path, text: Callable[[], str]) -> None:
    """A text that is made when its place is open. Raises Invalid where it cannot be written."""
    with replacing(path) as file:
        file.write(text())
