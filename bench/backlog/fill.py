"""A backlog in bulk: runs that wait, subjects that stand still, a subject everybody wants.

Written by the database itself in one statement each, because a million captures would take the afternoon. What
is written is what captures, parkings and starts write.
"""

from collections.abc import Mapping

from sqlalchemy import URL, Connection, create_engine, text

from bench.workload import orders
from crossdock.durable.codec import encode
from crossdock.storage.batch import PRIORITY_STEP_US

HOT_SUBJECT = "order/HOT"
PRIORITIES = 10
_NUMBERS = "WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < :count) "
_RUN = (
    "INSERT INTO run (id, process, version, subject, turn, state, queue, rank, epoch, priority, correlation_id, "
    "created_at, updated_at, input, result) "
)
Facts = Mapping[str, int | str]
_MODEL = "B-0000000"
"""Stands in the input where each order has a number of its own."""


class Backlog:
    """Fills a migrated database that nobody works on."""

    def __init__(self, url: URL) -> None:
        self._url = url
        is_sqlite = url.get_backend_name() == "sqlite"
        self._bytes = "CAST({} AS BLOB)" if is_sqlite else "convert_to({}, 'UTF8')"

    def ready(self, count: int, now: int) -> None:
        """So many orders that were captured, of all priorities, each a subject of its own."""
        model = encode(next(orders(1, prefix="B"))).decode()
        body = self._bytes.format("replace(:model, :mark, 'B-' || n)")
        facts: Facts = {"count": count, "now": now, "model": model, "mark": _MODEL, "step": PRIORITY_STEP_US}
        with create_engine(self._url).begin() as connection:
            self._insert(
                connection,
                _RUN + _NUMBERS + "SELECT 'order_submission/B-' || n, 'order_submission', 1, 'order/B-' || n, 1, "
                f"'ready', 'ready', :now + n + (n % {PRIORITIES}) * :step, 0, n % {PRIORITIES}, 'B-' || n, "
                f":now, :now, {body}, {self._bytes.format(repr(''))} FROM numbers",
                facts,
            )
            self._heads(connection, "'order/B-' || n", "'order_submission/B-' || n", 0, facts)

    def parked(self, count: int, now: int) -> None:
        """So many subjects whose first run is parked and whose second one queues behind it."""
        facts = {"count": count, "now": now}
        nothing = self._bytes.format("'{}'")
        with create_engine(self._url).begin() as connection:
            for turn, state in ((1, "parked"), (2, "queued")):
                self._insert(
                    connection,
                    _RUN + _NUMBERS + f"SELECT 'bench/P-' || n || '-{turn}', 'bench', 1, 'order/P-' || n, {turn}, "
                    f"'{state}', NULL, :now + n, 0, 5, 'P-' || n, :now, :now, {nothing}, {nothing} FROM numbers",
                    facts,
                )
            self._insert(
                connection,
                "INSERT INTO parked (run_id, signature, category, owner, severity, at, facts) "
                + _NUMBERS
                + "SELECT "
                f"'bench/P-' || n || '-1', 'v1:bench', 'invalid', 'integration', 2, :now, {nothing} FROM numbers",
                facts,
            )
            self._heads(connection, "'order/P-' || n", "'bench/P-' || n || '-1'", 1, facts)

    def beside_parked(self, ready: int, parked: int, now: int) -> None:
        """Both."""
        self.ready(ready, now)
        self.parked(parked, now)

    def hot(self, count: int, now: int) -> None:
        """One subject with so many runs: half of them are done, one is ready, the others queue behind it."""
        done, queued = count // 2, count - count // 2 - 1
        nothing = self._bytes.format("'{}'")
        facts = {"count": count, "now": now, "done": done}
        state = "CASE WHEN n <= :done THEN 'done' WHEN n = :done + 1 THEN 'ready' ELSE 'queued' END"
        queue = "CASE WHEN n = :done + 1 THEN 'ready' END"
        with create_engine(self._url).begin() as connection:
            self._insert(
                connection,
                _RUN + _NUMBERS + f"SELECT 'bench/H-' || n, 'bench', 1, '{HOT_SUBJECT}', n, {state}, {queue}, "
                f":now + n, 0, 5, 'H-' || n, :now, :now, {nothing}, {nothing} FROM numbers",
                facts,
            )
            self._insert(
                connection,
                "INSERT INTO subject (subject, head, waiting, turns) "
                f"VALUES ('{HOT_SUBJECT}', 'bench/H-{done + 1}', {queued}, {count})",
                {},
            )

    def _heads(self, connection: Connection, subject: str, head: str, waiting: int, facts: Facts) -> None:
        self._insert(
            connection,
            f"INSERT INTO subject (subject, head, waiting, turns) {_NUMBERS} "
            f"SELECT {subject}, {head}, {waiting}, {waiting + 1} FROM numbers",
            {"count": facts["count"]},
        )

    def _insert(self, connection: Connection, sql: str, facts: Facts) -> None:
        connection.execute(text(sql.replace(":now", "CAST(:now AS BIGINT)")), facts)
