"""The sides that are compared: which program, on which store, how many orders in flight, with which settings."""

from dataclasses import dataclass
from typing import Literal

StoreKind = Literal["sqlite", "postgres", "redis", "restate"]
OURS = ""
"""The environment that runs the bench."""


@dataclass(frozen=True)
class Side:
    """One line of the table. `programs` run at once, each with `in_flight` orders under way."""

    name: str
    module: str
    store: StoreKind
    in_flight: int
    settings: str
    environment: str = OURS
    variant: str = ""
    programs: int = 1

    @property
    def label(self) -> str:
        """Its name where only letters, digits and underscores may stand."""
        return "".join(letter if letter.isalnum() else "_" for letter in self.name.lower())


FLOOR_SQLITE = Side("floor, SQLite", "with_floor", "sqlite", 128, "WAL, synchronous=FULL; client aiohttp")
OURS_SQLITE = Side(
    "Crossdock, SQLite", "with_crossdock", "sqlite", 128, "1 worker; WAL, synchronous=FULL; client aiohttp"
)
FLOOR_POSTGRES = Side("floor, PostgreSQL", "with_floor", "postgres", 128, "one connection; client aiohttp")
OURS_POSTGRES = Side("Crossdock, PostgreSQL", "with_crossdock", "postgres", 128, "1 worker; client aiohttp")
OURS_TWO_WORKERS = Side(
    "Crossdock, PostgreSQL, 2 workers",
    "with_crossdock",
    "postgres",
    128,
    "2 processes; client aiohttp",
    programs=2,
)
DBOS_DOCUMENTED = Side(
    "DBOS as documented",
    "with_dbos",
    "postgres",
    8,
    "PostgreSQL, configuration as shipped, start_workflow and its handle; client urllib3",
    environment="dbos",
    variant="documented",
)
DBOS_TUNED = Side(
    "DBOS tuned",
    "with_dbos",
    "postgres",
    4,
    "PostgreSQL, 4 threads that call the workflow, no pre-ping, JSON instead of pickle; client urllib3",
    environment="dbos",
    variant="tuned",
)
CELERY_DOCUMENTED = Side(
    "Celery, prefetch 1",
    "with_celery",
    "redis",
    32,
    "chain of 6 tasks, acks_late, 2 processes, every result kept in Redis; client urllib3",
    environment="celery",
    variant="documented",
)
CELERY_TUNED = Side(
    "Celery tuned",
    "with_celery",
    "redis",
    32,
    "chain of 6 tasks, acks_late, 2 processes, prefetch 64, last result kept, no gossip; client urllib3",
    environment="celery",
    variant="tuned",
)
CELERY_ONE_TASK = Side(
    "Celery tuned, one task an order",
    "with_celery",
    "redis",
    32,
    "no equal: a crash repeats all six steps; else as tuned",
    environment="celery",
    variant="one-task",
)
RESTATE_ONE = Side(
    "Restate, 1 service process",
    "with_restate",
    "restate",
    64,
    "4 partitions, Hypercorn h2c with uvloop, log synced as shipped; client aiohttp",
    environment="restate",
    variant="1",
)
RESTATE_TWO = Side(
    "Restate, 2 service processes",
    "with_restate",
    "restate",
    64,
    "the same, Hypercorn with 2 workers",
    environment="restate",
    variant="2",
)

SIDES = (
    FLOOR_SQLITE,
    FLOOR_POSTGRES,
    OURS_SQLITE,
    OURS_POSTGRES,
    OURS_TWO_WORKERS,
    DBOS_DOCUMENTED,
    DBOS_TUNED,
    CELERY_DOCUMENTED,
    CELERY_TUNED,
    CELERY_ONE_TASK,
    RESTATE_ONE,
    RESTATE_TWO,
)


@dataclass(frozen=True)
class Target:
    """What is aimed at: `ours` at least so many times `other`."""

    ours: Side
    other: Side
    times: float


TARGETS = (
    Target(OURS_SQLITE, FLOOR_SQLITE, 0.7),
    Target(OURS_POSTGRES, FLOOR_POSTGRES, 0.7),
    Target(OURS_POSTGRES, DBOS_DOCUMENTED, 25),
    Target(OURS_POSTGRES, DBOS_TUNED, 10),
    Target(OURS_SQLITE, CELERY_TUNED, 2),
    Target(OURS_SQLITE, RESTATE_ONE, 7),
    Target(OURS_TWO_WORKERS, OURS_POSTGRES, 1.7),
)
