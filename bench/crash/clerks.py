"""Whoever works with customers: clerks who enter and edit them, stewards who merge, part, approve and forget.

Each course goes on by itself, one doing after another, each as soon as it is possible: an ERP's clerk cannot edit
whom the hub has not made yet, and nobody is forgotten of whom something is still on its way.
"""

import asyncio
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

import httpx
import msgspec

from bench.crash.agreement import APPROVER, ERP
from bench.crash.erp import Erp
from bench.crash.people import Card, Cast, Doing, mail_of
from bench.crash.shop import ANSWER_SECONDS, JSON
from crossdock.adapters.memory.wire import Partner, PartnerWrite
from crossdock.bootstrap.hub import Hub
from crossdock.canonical.party import ExternalReference
from crossdock.durable.records import Commit
from crossdock.durable.store import StoreUnavailable
from crossdock.identity.privacy.erasing import ErasureAsked
from crossdock.kit.errors import CrossdockError

BY, WHY = "Ines", "same passport"
OVER = {HTTPStatus.OK, HTTPStatus.ACCEPTED}
AGAIN = {HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT}
"""The hub is down, or does not know yet what is spoken of."""


class Log(msgspec.Struct, kw_only=True):
    """What was done: all that was said of each, in order; the numbers that were entered; what stewards said."""

    said: dict[int, list[tuple[str, Card]]]
    entered: dict[int, list[ExternalReference]]
    merges: dict[tuple[int, int], str]
    parted: set[str]
    erased: dict[int, str]
    approved: set[int]


class Clerks:
    """Carries the courses on; `hub` is one that looks and does not work, beside those that are killed."""

    def __init__(self, cast: Cast, systems: Mapping[str, Erp], hub: Hub, urls: Sequence[str]) -> None:
        self.cast = cast
        self.log = Log(
            said=defaultdict(list), entered=defaultdict(list), merges={}, parted=set(), erased={}, approved=set()
        )
        self.answers: Counter[str] = Counter()
        self.done = 0
        self._systems = systems
        self._hub = hub
        self._urls = urls
        self._places = [0] * len(cast.courses)
        self._turn = 0
        self._http = httpx.AsyncClient(timeout=ANSWER_SECONDS)

    @property
    def left(self) -> int:
        """How much has still to be done."""
        return self.cast.doings - self.done

    async def close(self) -> None:
        """Let go of connections."""
        await self._http.aclose()

    async def work(self, share: float) -> None:
        """One doing of each course that may go on, while not more than this share of all is done."""
        for number, course in enumerate(self.cast.courses):
            place = self._places[number]
            if place < len(course) and self.done < share * self.cast.doings and await self._does(course[place]):
                self._places[number] += 1
                self.done += 1

    async def _does(self, doing: Doing) -> bool:
        """Whether it is done now."""
        try:
            match doing.what:
                case "enter" | "edit":
                    return await asyncio.to_thread(self._write, doing)
                case "merge":
                    return await self._merge(doing)
                case "unmerge":
                    return await self._unmerge(doing)
                case "approve":
                    return await self._approve(doing)
                case "erase":
                    return await self._erase(doing)
        except (httpx.TransportError, StoreUnavailable, CrossdockError) as fault:
            self.answers[type(fault).__name__] += 1
            return False

    # ── clerks ──────────────────────────────────────────────────────────────────────────────────────

    def _write(self, doing: Doing) -> bool:
        known = "" if doing.what == "enter" else self._number_at(doing.system, doing.who)
        if doing.what == "edit" and not known:
            return False
        write = PartnerWrite(write=f"clerk-{doing.who}-{self.done}", card=dict(doing.card), number=known)
        number = self._systems[doing.system].enter(write).number
        if doing.what == "enter":
            self.log.entered[doing.who].append(ExternalReference(doing.system, "partner", number))
        self.log.said[doing.who].append((f"{doing.system}/{number}", doing.card))
        return True

    def _number_at(self, system: str, who: int) -> str:
        """Somebody's record there, where there is one by now."""
        found = [each.number for each in self._systems[system].partners() if is_of(each, who)]
        return min(found, default="")

    # ── stewards ────────────────────────────────────────────────────────────────────────────────────

    async def _party(self, who: int) -> str:
        """Whose all the records are that were entered, once the hub made one in the ERP as well; else nothing."""
        records = self.log.entered[who]
        found = await self._hub.store.find_parties(records)
        parties = set(found.values())
        if len(found) < len(records) or len(parties) != 1:
            return ""
        (party_id,) = parties
        file = await self._hub.store.read_party(party_id)
        return party_id if file is not None and file.record_of(ERP) is not None else ""

    async def _merge(self, doing: Doing) -> bool:
        one, other = await self._party(doing.who), await self._party(doing.other)
        if not (one and other):
            return False
        asked = {"survivor": one, "absorbed": other, "actor": BY, "reason": WHY}
        answer = await self._say("customers/merges", asked, key=f"merge-{doing.who}")
        if answer is not None:
            self.log.merges[doing.who, doing.other] = answer["merge_id"]
        return answer is not None

    async def _unmerge(self, doing: Doing) -> bool:
        merge_id = self.log.merges[doing.who, doing.other]
        asked = {"actor": BY, "reason": "mother and daughter"}
        answer = await self._say(f"customers/merges/{merge_id}/unmerge", asked, key=f"unmerge-{doing.who}")
        if answer is not None:
            self.log.parted.add(merge_id)
        return answer is not None

    async def _approve(self, doing: Doing) -> bool:
        party_id = await self._party(doing.who)
        if not party_id:
            return False
        asked = {"actor": APPROVER, "reason": "they pay"}
        answer = await self._say(f"credit-reviews/{party_id}/approve", asked, key=f"approve-{doing.who}")
        if answer is not None:
            self.log.approved.add(doing.who)
        return answer is not None

    async def _say(self, path: str, asked: Mapping[str, Any], *, key: str) -> dict[str, Any] | None:
        """A steward's word, by the API of some hub; None where nobody took it yet."""
        self._turn += 1
        url = f"{self._urls[self._turn % len(self._urls)]}/v1/{path}"
        headers = {**JSON, "idempotency-key": key}
        answer = await self._http.post(url, content=msgspec.json.encode(asked), headers=headers)
        self.answers[str(answer.status_code)] += 1
        if answer.status_code in AGAIN:
            return None
        assert answer.status_code in OVER, answer.text
        told: dict[str, Any] = answer.json()
        return told

    async def _erase(self, doing: Doing) -> bool:
        """As `crossdock privacy erase` does."""
        party_id = await self._party(doing.who)
        customers = self._hub.customers
        if not party_id or customers is None:
            return False
        asked = ErasureAsked(erasure_id=f"erase-{doing.who}", party_id=party_id, by=BY, reason="asked for it")
        await self._hub.committer.submit(Commit(starts=(customers.erasure.start(asked.erasure_id, asked),)))
        self.log.erased[doing.who] = party_id
        return True


def is_of(partner: Partner, who: int) -> bool:
    """Whether a record is this one's, by the mail that nobody edits."""
    return str(partner.card.get("contact.email", "")).casefold() == mail_of(who)
