"""`python -m bench.match_same`: whether arrivals are settled as they were before a change, byte for byte.

Arrivals are settled in batches, in one order and under ids of their own, so that nothing is left to chance; what
the hub stores of each (whose it is, the candidates, their evidence) goes to a file and into one digest. Run it
before and after a change: equal digests, on both databases, are equal decisions.
"""

import argparse
import asyncio
import tempfile
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from hashlib import blake2b
from itertools import islice
from pathlib import Path

from rich.console import Console

from bench.match.profiles import profile_of
from bench.match.rows import Row
from bench.match_fill import fill_postgres, fill_sqlite, make_parts
from bench.stage import fresh_postgres
from crossdock.durable.codec import decode, encode
from crossdock.durable.records import Commit, EffectStep
from crossdock.identity.matching.keys import keys_of
from crossdock.identity.matching.normalise import features_of
from crossdock.identity.recognition.index import Settled
from crossdock.kit.clock import SystemClock
from crossdock.processes.customer_recognition import Recogniser
from crossdock.storage.postgres import PostgresStore
from crossdock.storage.sql_store import SqlStore
from crossdock.storage.sqlite import SqliteStore

BATCH = 40


async def settle(store: SqlStore, rows: Sequence[Row]) -> list[bytes]:
    """Settle all in batches; per arrival its decision as it was stored, in the order of arrivals."""
    recogniser = Recogniser(store)

    async def place(some: Sequence[Row]) -> list[Row]:
        """Settle these together; those that have to look again."""
        effects = []
        for row in some:
            features = features_of(profile_of(row))
            record = f"new/{row.key}"
            effects.append(recogniser.look(record, features, keys_of(features), f"N-{row.key}"))
        steps = [EffectStep("settle", effect) for effect in await asyncio.gather(*effects)]
        outcomes = await store.apply([Commit(effects=(step,)) for step in steps], 1)
        fates = [decode(outcome.findings[0], Settled).fate for outcome in outcomes]
        return [row for row, fate in zip(some, fates, strict=True) if fate == "look_again"]

    left = iter(rows)
    while batch := list(islice(left, BATCH)):
        for row in await place(batch):
            while await place([row]):
                pass
    stored = [await store.list_decisions(f"new/{row.key}") for row in rows]
    return [encode(decision.finding) for decisions in stored for decision in decisions]


async def settle_at(where: Path | str, rows: Sequence[Row], fill: Callable[[], None]) -> list[bytes]:
    """`settle` in a database that `fill` fills once its tables are there."""
    for work in (fill, None):
        store: SqlStore = (
            SqliteStore(where, SystemClock()) if isinstance(where, Path) else PostgresStore(where, SystemClock())
        )
        await store.open()
        lines = [] if work else await settle(store, rows)
        await store.close()
        if work:
            work()
    return lines


def both(parties: int, arrivals: int, to: Path | None) -> Iterator[tuple[str, str]]:
    """Each database and the digest of what it stored."""
    with tempfile.TemporaryDirectory() as place, fresh_postgres() as address:
        file = Path(place) / "hub.sqlite"
        parts = make_parts(Path(place), parties, arrivals)
        rows = [row for some in zip(*(part.kept_back() for part in parts), strict=True) for row in some]
        found = [("sqlite", asyncio.run(settle_at(file, rows, lambda: fill_sqlite(file, parts))))]
        if address:
            filling = partial(fill_postgres, address, parts)
            found.append(("postgresql", asyncio.run(settle_at(address, rows, filling))))
        for name, lines in found:
            if to:
                to.with_suffix(f".{name}").write_bytes(b"\n".join(lines))
            yield name, blake2b(b"\n".join(lines), digest_size=12).hexdigest()


def main() -> None:
    """Parse, settle, tell."""
    parser = argparse.ArgumentParser(prog="bench.match_same", description=__doc__)
    parser.add_argument("--parties", type=int, default=20_000)
    parser.add_argument("--arrivals", type=int, default=4_000)
    parser.add_argument("--to", type=Path, help="keep the decisions here, one a line, beside the digest")
    said = parser.parse_args()
    for name, digest in both(said.parties, said.arrivals, said.to):
        Console().print(f"{name:10} {digest}")


if __name__ == "__main__":
    main()
