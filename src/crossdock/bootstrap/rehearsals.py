"""Another ownership tried on what the hub knows: page by page, reading only.

`Past` is all that a rehearsal may ask of a store, and holds no word that changes anything.
"""

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Protocol

from msgspec.structs import replace

from crossdock.bootstrap.customers import systems_with
from crossdock.bootstrap.deployment import Deployment
from crossdock.identity.golden.ledger import PAGE_ROWS_MAX, PartyFile
from crossdock.identity.golden.ownership import Ownership
from crossdock.identity.golden.rehearsing import OwnershipRehearsed, Tally, Way, seen
from crossdock.identity.golden.survivorship import GoldenValue
from crossdock.kit.clock import Instant
from crossdock.kit.errors import Invalid
from crossdock.ports.manifest import Role
from crossdock.processes.customer_update import goes_its_own_way

Progress = Callable[[str, float], None]


class Past(Protocol):
    """What is known of parties, to be read."""

    async def count_parties(self) -> int:
        """See PartyLedger."""
        ...

    async def read_parties(self, *, behind: str = "", limit: int = 50) -> Sequence[PartyFile]:
        """See PartyLedger."""
        ...

    async def parties_in_doubt(self, party_ids: Collection[str]) -> Collection[str]:
        """See Doubts."""
        ...


def way_of_ownership(deployment: Deployment, ownership: Ownership) -> Way:
    """How a hub of this deployment would carry out that ownership."""
    told = systems_with(replace(deployment, ownership=ownership), Role.CUSTOMER_SINK)
    rules = deployment.policies.onboarding

    def own_way(file: PartyFile, values: Mapping[str, GoldenValue]) -> str:
        return rules.erp if rules and goes_its_own_way(file, values, rules.erp) else ""

    return Way(ownership, told, own_way)


async def rehearse_ownership(
    past: Past, before: Way, after: Way, now: Instant, progress: Progress, *, show_values: bool = False
) -> OwnershipRehearsed:
    """What would change with `after` in place of `before`. Raises StoreUnavailable.

    Each party is as it is when its page is read. Memory holds a page at a time.
    """
    tally, behind, done = Tally(show_values=show_values), "", 0
    total = await past.count_parties()
    while files := await past.read_parties(behind=behind, limit=PAGE_ROWS_MAX):
        doubtful = await past.parties_in_doubt([file.party_id for file in files])
        for file in files:
            _try(file, before, after, now, tally, in_doubt=file.party_id in doubtful)
        behind, done = files[-1].party_id, done + len(files)
        progress("trying the ownership", min(1.0, done / max(total, 1)))
        await asyncio.sleep(0)
    return tally.told()


def _try(file: PartyFile, before: Way, after: Way, now: Instant, tally: Tally, *, in_doubt: bool) -> None:
    try:
        one, other = (seen(file, way, now, in_doubt=in_doubt) for way in (before, after))
        tally.add(file.party_id, one, other)
        tally.judge_pins(file, before, after, now)
    except Invalid:
        tally.skip()
