"""Customers of connected systems and of the hub as one table: each distinct value once, page by page.

What is kept of a record is what it is compared by. Of several addresses that is the first, as in files.
"""

from array import array
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from crossdock.bootstrap.deployment import ownership_of
from crossdock.bootstrap.full_reads import all_customers, count_customers, reading
from crossdock.durable.records import Commit, EffectStep
from crossdock.entrypoints.cli.choosing import actor
from crossdock.entrypoints.cli.deployments import open_hub
from crossdock.entrypoints.cli.match.reading import Crowd
from crossdock.entrypoints.cli.output import note
from crossdock.identity.golden.ledger import PAGE_ROWS_MAX, PartyFile
from crossdock.identity.golden.ownership import Ownership
from crossdock.identity.golden.survivorship import golden
from crossdock.identity.matching.columns import Texts, Words
from crossdock.identity.matching.record import Profile
from crossdock.identity.matching.table import REFERENCE, SEVERAL, SEVERAL_MAX, Table
from crossdock.identity.matching.training import Progress
from crossdock.identity.recognition.profiles import profile_held, profile_of, profile_of_party
from crossdock.identity.recognition.reviews import NoteDeed
from crossdock.kit.clock import Instant
from crossdock.kit.errors import Finding, Invalid
from crossdock.ports.customer_source import GONE, CustomerArrival
from crossdock.processes.customer_capture import named_as

if TYPE_CHECKING:
    from crossdock.bootstrap.hub import Hub

HUB = "hub"
"""How the hub's own parties are called beside systems; their ids are those of parties."""


class _Column:
    """One column while it grows: its words, and for each row the place of its word."""

    def __init__(self) -> None:
        self.words: dict[str, int] = {"": 0}
        self.places = array("i")

    def put(self, row: int, value: str) -> None:
        if row >= len(self.places):
            self.places.extend([0] * (row + 1 - len(self.places)))
        self.places[row] = self.words.setdefault(value, len(self.words))


class Gathered:
    """Records of several sources while they are read. The same record again takes the place of what it was."""

    def __init__(self, sources: Sequence[str]) -> None:
        self.sources = tuple(sources)
        self._rows: dict[tuple[int, str, str], int] = {}
        self._gone: set[int] = set()
        self._columns: dict[tuple[str, int], _Column] = {}

    def put(self, source: str, kind: str, number: str, profile: Profile) -> None:
        """A record as it is now."""
        key = self.sources.index(source), kind, number
        is_new = key not in self._rows
        row = self._rows.setdefault(key, len(self._rows))
        self._gone.discard(row)
        cells = dict(_cells(profile))
        for place in cells if is_new else {*cells, *self._columns}:
            if place in cells or row < len(self._columns[place].places):
                self._columns.setdefault(place, _Column()).put(row, cells.get(place, ""))

    def drop(self, source: str, kind: str, number: str) -> None:
        """A record that is no more."""
        row = self._rows.get((self.sources.index(source), kind, number))
        if row is not None:
            self._gone.add(row)

    def crowd(self) -> Crowd:
        """All of them as they are matched. Raises Invalid where there is none."""
        kept = np.array([row for row in range(len(self._rows)) if row not in self._gone], np.int64)
        if not kept.size:
            finding = Finding("nobody-there", ", ".join(self.sources), "no customer stands there")
            raise Invalid("there is no record", code=finding.code, findings=[finding])
        columns: dict[str, list[Texts]] = {}
        for name, number in sorted(self._columns):
            column = self._columns[name, number]
            places = np.zeros(len(self._rows), np.int32)
            places[: len(column.places)] = column.places
            columns.setdefault(name, []).append(Texts(Words(list(column.words)), places[kept]))
        keys = list(self._rows)
        several = {
            source
            for source in range(len(self.sources))
            if len({kind for one, kind, _ in keys if one == source}) > 1
        }
        ids = [f"{kind}/{number}" if source in several else number for source, kind, number in keys]
        sources = np.array([source for source, _, _ in keys], np.int64)[kept]
        table = Table(len(kept), columns)
        return Crowd(table, self.sources, sources, [ids[row] for row in kept.tolist()], {})


def _cells(profile: Profile) -> Iterator[tuple[tuple[str, int], str]]:
    """What a profile says, by column."""
    address = profile.addresses[0] if profile.addresses else None
    single: Mapping[str, str] = {
        "kind": profile.kind,
        "given": profile.given,
        "middle": profile.middle,
        "family": profile.family,
        "suffix": profile.suffix,
        "name": profile.name,
        "organisation": profile.organisation,
        "legal_form": profile.legal_form,
        "registration": profile.registration,
        "birth_date": profile.birth_date,
        "country": profile.country,
        "house": address.house if address else "",
        "postcode": address.postcode if address else "",
        "city": address.city if address else "",
        "region": address.region if address else "",
        "address_country": address.country if address else "",
        **{f"{REFERENCE}{one.system}": one.value for one in reversed(profile.references)},
    }
    several: Mapping[str, Sequence[str]] = {
        "other_name": profile.other_names,
        "line": address.lines if address else (),
        "email": profile.emails,
        "verified_email": profile.verified_emails,
        "phone": profile.phones,
        "tax_id": profile.tax_ids,
        "loyalty_id": profile.loyalty_ids,
        "customer_number": profile.customer_numbers,
    }
    yield from (((name, 0), value) for name, value in single.items() if value)
    for name in SEVERAL:
        yield from (((name, number), value) for number, value in enumerate(several[name][:SEVERAL_MAX]) if value)


async def gather(
    deployment: Path | None, systems: Sequence[str], progress: Progress, *, with_hub: bool
) -> tuple[Crowd, bytes | None]:
    """The customers of systems, and with `with_hub` the hub's own; and the model that was kept, if one was.

    That somebody looked at all customers of the hub is an entry in its audit chain.

    Raises Invalid, Misconfigured, StoreUnavailable, and what the docks raise.
    """
    gathered = Gathered([*systems, *([HUB] if with_hub else [])])
    async with open_hub(deployment) as hub, reading(hub, systems):
        for system in systems:
            await _read_system(hub, system, gathered, progress)
        if with_hub:
            deed = NoteDeed(subject="customers", verb="matched", by=actor())
            await hub.committer.submit(Commit(effects=(EffectStep("look", deed),)))
            await _read_hub(hub, gathered, progress)
        model = await hub.store.read_model()
    return gathered.crowd(), model


async def _read_system(hub: "Hub", system: str, gathered: Gathered, progress: Progress) -> None:
    words = f"reading {system}"
    progress(words, 0.0)
    total, read, faulty = await count_customers(hub, system), 0, 0
    async for arrivals in all_customers(hub, system):
        for arrival in arrivals:
            faulty += not _take(arrival, system, gathered)
        read += len(arrivals)
        progress(words, min(1.0, read / max(total, 1)))
    if faulty:
        note(f"{system}: {faulty} records could not be translated and are left out", "wait")


def _take(arrival: CustomerArrival, system: str, gathered: Gathered) -> bool:
    """Whether it could be translated."""
    if arrival.change is None:
        return False
    change = named_as(arrival.change, system)
    record = change.record
    if change.kind in GONE:
        gathered.drop(system, record.kind, record.value)
    else:
        gathered.put(system, record.kind, record.value, profile_of(change.says, record))
    return True


async def _read_hub(hub: "Hub", gathered: Gathered, progress: Progress) -> None:
    ownership = ownership_of(hub.deployment)
    total, read, behind, faulty, now = await hub.store.count_parties(), 0, "", 0, hub.clock.now()
    while files := await hub.store.read_parties(behind=behind, limit=PAGE_ROWS_MAX):
        for file in files:
            faulty += not _take_party(file, ownership, now, gathered)
        behind, read = files[-1].party_id, read + len(files)
        progress("reading the hub", min(1.0, read / max(total, 1)))
    if faulty:
        note(
            f"{faulty} customers of the hub have fields that this release does not know, and are left out", "wait"
        )


def _take_party(file: PartyFile, ownership: Ownership, now: Instant, gathered: Gathered) -> bool:
    """Whether its fields are known."""
    living = [record for record in file.records if record.state == "live"]
    try:
        values = golden(file.records, ownership, now, file.pins)
        profile = profile_of_party(values, [profile_held(record) for record in living])
    except Invalid:
        return False
    if living:
        gathered.put(HUB, "party", file.party_id, profile)
    return True
