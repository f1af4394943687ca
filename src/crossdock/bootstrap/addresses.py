"""Validating addresses: the rules of their country first, then a provider, where there is one (CUS-23)."""

from collections import OrderedDict
from collections.abc import Sequence

import msgspec

from crossdock.canonical.party import PostalAddress
from crossdock.kit.clock import Clock, seconds_to_us
from crossdock.policies.postal_rules import check_address, is_empty
from crossdock.ports.address_validator import AddressValidator, AddressVerdict

REMEMBERED_MAX = 10_000


class Addresses:
    """An AddressValidator. What the rules call impossible no provider is asked about, nor what nobody said.

    A provider's word is remembered for `age_seconds` (GOV-22): where a house stands changes rarely.
    """

    def __init__(self, provider: AddressValidator | None, age_seconds: float, clock: Clock) -> None:
        self._provider = provider
        self._age_us = seconds_to_us(age_seconds)
        self._clock = clock
        self._known: OrderedDict[bytes, AddressVerdict] = OrderedDict()

    async def validate_addresses(self, addresses: Sequence[PostalAddress]) -> Sequence[AddressVerdict]:
        """See AddressValidator."""
        now = self._clock.now()
        verdicts = [check_address(address, now) for address in addresses]
        if self._provider is None:
            return verdicts
        asked: dict[bytes, PostalAddress] = {}
        for verdict in verdicts:
            if verdict.verdict == "unknown" and not is_empty(verdict.address):
                asked.setdefault(msgspec.json.encode(verdict.address), verdict.address)
        missing = {key: address for key, address in asked.items() if not self._is_known(key, now)}
        if missing:
            answers = await self._provider.validate_addresses(list(missing.values()))
            self._learn(dict(zip(missing, answers, strict=True)))
        return [
            self._known.get(msgspec.json.encode(each.address), each) if each.verdict == "unknown" else each
            for each in verdicts
        ]

    def _is_known(self, key: bytes, now: int) -> bool:
        known = self._known.get(key)
        return known is not None and known.at >= now - self._age_us

    def _learn(self, answers: dict[bytes, AddressVerdict]) -> None:
        for key, verdict in answers.items():
            self._known[key] = verdict
            self._known.move_to_end(key)
        while len(self._known) > REMEMBERED_MAX:
            self._known.popitem(last=False)
