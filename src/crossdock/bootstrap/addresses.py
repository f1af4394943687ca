"""Validating addresses: the rules of their country first, then a provider, where there is one (CUS-23)."""

import asyncio
from collections import Counter, OrderedDict
from collections.abc import Mapping, Sequence

import msgspec
import structlog

from crossdock.canonical.party import PostalAddress
from crossdock.durable.lanes import LaneClosed
from crossdock.kit.clock import Clock, seconds_to_us
from crossdock.kit.errors import CrossdockError
from crossdock.policies.postal_rules import check_address, is_empty
from crossdock.ports.address_validator import AddressValidator, AddressVerdict, Outcome

REMEMBERED_MAX = 10_000
PATIENCE_SECONDS = 15.0
"""So long the provider may take over all that is asked at once; then it is as if it were away."""

log = structlog.get_logger("addresses")


class Provider(msgspec.Struct, frozen=True, kw_only=True):
    """Who is asked: its dock behind its lane, and how many addresses one call takes."""

    system: str
    dock: AddressValidator
    batch_max: int = 1


class Addresses:
    """An AddressValidator that never raises: where the provider does not answer, addresses are `unverified`.

    What the rules call impossible no provider is asked about, nor what nobody said. A provider's word is
    remembered for `age_seconds` (GOV-22): where a house stands changes rarely. `outcomes` counts what was told.
    """

    def __init__(
        self,
        provider: Provider | None,
        age_seconds: float,
        clock: Clock,
        *,
        patience_seconds: float = PATIENCE_SECONDS,
    ) -> None:
        self._provider = provider
        self._age_us = seconds_to_us(age_seconds)
        self._clock = clock
        self._patience_seconds = patience_seconds
        self._known: OrderedDict[bytes, AddressVerdict] = OrderedDict()
        self.outcomes: Counter[Outcome] = Counter()

    async def validate_addresses(self, addresses: Sequence[PostalAddress]) -> Sequence[AddressVerdict]:
        """See AddressValidator."""
        now = self._clock.now()
        verdicts = [check_address(address, now) for address in addresses]
        if self._provider is not None:
            asked: dict[bytes, PostalAddress] = {}
            for each in verdicts:
                if each.outcome == "unverified" and not is_empty(each.address):
                    asked.setdefault(_key(each), each.address)
            told = {key: known for key in asked if (known := self._remembered(key, now)) is not None}
            missing = {key: address for key, address in asked.items() if key not in told}
            told |= await self._ask(self._provider, missing)
            verdicts = [told.get(_key(each), each) if each.outcome == "unverified" else each for each in verdicts]
        self.outcomes.update(each.outcome for each in verdicts)
        return verdicts

    async def _ask(
        self, provider: Provider, missing: Mapping[bytes, PostalAddress]
    ) -> dict[bytes, AddressVerdict]:
        """What it says of each, as far as it does: nobody waits for it, and nobody is refused because of it."""
        keys = list(missing)
        told: dict[bytes, AddressVerdict] = {}
        try:
            async with asyncio.timeout(self._patience_seconds):
                for first in range(0, len(keys), provider.batch_max):
                    some = keys[first : first + provider.batch_max]
                    answers = await provider.dock.validate_addresses([missing[key] for key in some])
                    told |= dict(zip(some, answers, strict=True))
        except CrossdockError as fault:
            _unverified(provider, len(keys) - len(told), fault.code)
        except LaneClosed as closed:
            _unverified(provider, len(keys) - len(told), f"lane-{closed.reason}")
        except TimeoutError:
            _unverified(provider, len(keys) - len(told), "answer-lost")
        self._learn(told)
        return told

    def _remembered(self, key: bytes, now: int) -> AddressVerdict | None:
        known = self._known.get(key)
        return known if known is not None and known.at >= now - self._age_us else None

    def _learn(self, answers: Mapping[bytes, AddressVerdict]) -> None:
        for key, verdict in answers.items():
            self._known[key] = verdict
            self._known.move_to_end(key)
        while len(self._known) > REMEMBERED_MAX:
            self._known.popitem(last=False)


def _key(verdict: AddressVerdict) -> bytes:
    return msgspec.json.encode(verdict.address)


def _unverified(provider: Provider, count: int, code: str) -> None:
    log.warning("addresses are not verified", system=provider.system, code=code, count=count)
