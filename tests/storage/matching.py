"""Short words for tests of the match index."""

from collections.abc import Awaitable, Callable

from tests.storage.rows import NOW

from crossdock.durable.codec import decode
from crossdock.durable.records import Commit, Effect, EffectStep
from crossdock.identity.matching.record import PostalAddress, Profile
from crossdock.storage.sql_store import SqlStore

ANNA = Profile(
    given="Anna",
    family="Seidl",
    birth_date="1980-05-17",
    country="DE",
    emails=("anna.seidl@mail.example.net",),
    phones=("0171 5551234",),
    addresses=(PostalAddress(lines=("Lindenstr. 12",), postcode="80331", city="München"),),
)
OTTO = Profile(
    given="Otto",
    family="Krause",
    birth_date="1955-11-30",
    country="DE",
    emails=("otto.krause@post.example.org",),
    phones=("0172 9998877",),
    addresses=(PostalAddress(lines=("Seeweg 3",), postcode="24103", city="Kiel"),),
)


async def told(store: SqlStore, effect: Effect, returns: type) -> object:
    """What the store answers to an effect."""
    (outcome,) = await store.apply([Commit(effects=(EffectStep("s", effect),))], NOW)
    return decode(outcome.findings[0], returns)


def submitting(store: SqlStore) -> Callable[[Commit], Awaitable[object]]:
    """A committer that gathers nothing."""

    async def submit(commit: Commit) -> object:
        return (await store.apply([commit], NOW))[0]

    return submit
