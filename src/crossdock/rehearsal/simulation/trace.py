"""What happened, line by line, for whoever has to understand a failing seed."""

from collections.abc import Callable

from crossdock.bootstrap.stores import MemoryDatabase

_WATCHED = {
    "run": "SELECT id, state, coalesce(queue, ''), waiting_on, epoch, coalesce(worker, '') FROM run",
    "step": "SELECT run_id || ' ' || step, state, attempts FROM journal",
    "stock": "SELECT product || ' at ' || location, available / 1000000, held / 1000000 FROM stock_level",
    "told": "SELECT sequence || ' ' || subject, type FROM event",
    "worker": "SELECT id, lease_until / 1000000 % 100000 FROM worker",
    "cursor": "SELECT name, position, holder FROM cursor",
}


class Trace:
    """Lines with their instants, and what each commit changed in the database. Costs nothing while it is off."""

    def __init__(self, now: Callable[[], float], *, on: bool) -> None:
        self.on = on
        self.lines: list[str] = []
        self._now = now
        self._known: dict[tuple[str, str], tuple[object, ...]] = {}

    def say(self, who: object, what: str) -> None:
        """One line."""
        if self.on:
            self.lines.append(f"{self._now():9.4f} s  {who!s:<12} {what}")

    def see(self, database: MemoryDatabase) -> None:
        """What the last transaction changed."""
        if not self.on:
            return
        for kind, sql in _WATCHED.items():
            rows = {(kind, str(row[0])): tuple(row[1:]) for row in database.connection.execute(sql)}
            for key, now in rows.items():
                if self._known.get(key) != now and kind != "worker":
                    self.say("database", f"{kind} {key[1]}: {' '.join(str(part) for part in now if part != '')}")
            for key in [key for key in self._known if key[0] == kind and key not in rows]:
                self.say("database", f"{kind} {key[1]} is gone")
                del self._known[key]
            self._known |= rows
