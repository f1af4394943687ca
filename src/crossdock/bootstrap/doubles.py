"""Looking for a company under another number: the match index first, then each candidate's own system (CUS-15)."""

from collections.abc import Mapping, Sequence

from crossdock.identity.golden.fields import Fields, party_of
from crossdock.identity.golden.ledger import PartyFile, PartyLedger, record_key
from crossdock.identity.recognition.profiles import profile_of
from crossdock.ports.customer_sink import CustomerSink
from crossdock.processes.customer_recognition import Recogniser

SURE_ENOUGH = frozenset({"link", "review"})


class IndexedDoubles:
    """The index knows the records of every system that is read, the ERP's and the shops' among them.

    A candidate counts only if one of its records is still there, which its own system (`sinks`) is asked.
    """

    def __init__(self, recogniser: Recogniser, parties: PartyLedger, sinks: Mapping[str, CustomerSink]) -> None:
        self._recogniser = recogniser
        self._parties = parties
        self._sinks = sinks

    async def find_doubles(self, file: PartyFile, told: Fields) -> Sequence[str]:
        """Records of other parties that may be this company, the likeliest first."""
        found: dict[str, str] = {}
        for record in file.records:
            if record.state == "live":
                profile = profile_of(party_of(told), record.reference)
                finding = await self._recogniser.weigh(record_key(record.reference), profile)
                for one in finding.weighed:
                    if one.decision.band in SURE_ENOUGH and one.party_id != file.party_id:
                        found.setdefault(one.party_id, one.record)
        return [record for party_id, record in found.items() if await self._still_there(party_id)]

    async def _still_there(self, party_id: str) -> bool:
        file = await self._parties.read_party(party_id)
        for record in file.records if file else ():
            if record.state != "live":
                continue
            sink = self._sinks.get(record.reference.system)
            if sink is None or (await sink.read_customers([record.reference]))[0] is not None:
                return True
        return False
