"""The log, set up in one place: JSON lines on standard error, with nothing secret and nothing personal in them."""

import logging
import sys
import traceback
from collections.abc import MutableMapping
from typing import Any

import structlog

from crossdock.kit.redaction import redact, scrub

FRAMES_MAX = 12
QUIET = ("aiohttp", "httpx", "httpcore", "alembic", "uvicorn", "asyncio")
"""Libraries that tell too much, or things with personal data in them, below a warning."""

Event = MutableMapping[str, Any]


def set_up_logging(*, level: str = "info", as_json: bool = True) -> None:
    """Send our log and the libraries' to standard error, one event a line. Doing it again replaces the first."""
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        without_secrets,
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )
    last: structlog.typing.Processor = (
        structlog.processors.JSONRenderer() if as_json else structlog.dev.ConsoleRenderer(colors=True)
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, last],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level.upper())
    for name in QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)


def without_secrets(logger: Any, method: str, event: Event) -> Event:
    """Redact the event. Of an exception its kind and its way through the code are told, not its words."""
    error = _error(event.pop("exc_info", None))
    if error is not None:
        event.setdefault("exc_type", type(error).__name__)
    own = {name: event.pop(name) for name in ("_record", "_from_structlog") if name in event}
    redact(logger, method, event)
    event.update(own)  # what structlog carries along for itself never reaches the line
    if error is not None:
        event["frames"] = _frames(error)
    return event


def _error(exc_info: Any) -> BaseException | None:
    if exc_info is True:
        exc_info = sys.exc_info()
    error = exc_info[1] if isinstance(exc_info, tuple) else exc_info
    return error if isinstance(error, BaseException) else None


def _frames(error: BaseException) -> list[str]:
    frames = traceback.extract_tb(error.__traceback__)[-FRAMES_MAX:]
    return [scrub(f"{frame.filename}:{frame.lineno} {frame.name}") for frame in frames]
