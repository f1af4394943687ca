"""The promises of a status sink: an outcome per update, the same update twice shows the same."""

from typing import Any

from crossdock.canonical.status import OrderStatus
from crossdock.kit.errors import CrossdockError, OutcomeUnknown
from crossdock.ports.manifest import AdapterManifest, Role
from crossdock.testing.bench import ShownStatus, SinkBench
from crossdock.testing.builders import a_status_update
from crossdock.testing.conformance.manners import Manners
from crossdock.testing.conformance.suite import raised
from crossdock.testing.estate import Estate


class StatusSinkConformance(Manners):
    """Everything a status sink promises. The bench is a `SinkBench`."""

    role_name = Role.STATUS_SINK.value
    role = Role.STATUS_SINK
    _record = ""

    async def prepare(self, dock: Any, bench: Any, estate: Estate) -> None:
        """A record to write on."""
        self._record = await bench.new_record()

    async def exchange(self, dock: Any, bench: Any, estate: Estate) -> Any:
        """Write on it; a lone update's error counts like a raised one."""
        outcomes = await dock.report_statuses([a_status_update(self._record)])
        for outcome in outcomes:
            if outcome is not None:
                raise outcome
        return list(outcomes)

    async def test_a_status_is_shown(self, dock: Any, bench: SinkBench) -> None:
        """Status, the ERP's number and the reason are shown as they were written."""
        record = await bench.new_record()
        reason = "Größe “M” fehlt: 12 Stück"
        update = a_status_update(record, status=OrderStatus.PARTLY_ACCEPTED, reason=reason, erp_number="SO-17")

        assert list(await dock.report_statuses([update])) == [None]

        shown = await bench.shown_status(record)
        assert shown is not None
        assert shown.status == OrderStatus.PARTLY_ACCEPTED.value
        assert shown.reason in {reason, None}
        assert shown.erp_number in {"SO-17", None}

    async def test_the_same_update_twice_shows_the_same(self, dock: Any, bench: SinkBench) -> None:
        """Repeating an update is success and changes nothing."""
        record = await bench.new_record()
        await dock.report_statuses([a_status_update(record)])
        first = await bench.shown_status(record)

        assert list(await dock.report_statuses([a_status_update(record)])) == [None]

        assert await bench.shown_status(record) == first

    async def test_a_later_status_replaces_the_earlier(self, dock: Any, bench: SinkBench) -> None:
        """The last update written is the one shown, without leftovers of the one before."""
        record = await bench.new_record()
        await dock.report_statuses([a_status_update(record, status=OrderStatus.WAITING, reason="ERP is down")])

        await dock.report_statuses([a_status_update(record, status=OrderStatus.ACCEPTED)])

        shown = await bench.shown_status(record)
        assert shown is not None
        assert shown.status == OrderStatus.ACCEPTED.value
        assert not shown.reason

    async def test_each_update_has_its_own_outcome(self, dock: Any, bench: SinkBench) -> None:
        """One record that is gone fails alone; the updates beside it are shown, outcomes in order."""
        records = [await bench.new_record(), await bench.missing_record(), await bench.new_record()]

        outcomes = await dock.report_statuses([a_status_update(record) for record in records])

        assert [outcome is None for outcome in outcomes] == [True, False, True]
        failed = outcomes[1]
        assert isinstance(failed, CrossdockError)
        assert failed.vendor_code
        for record in (records[0], records[2]):
            assert await bench.shown_status(record) is not None

    async def test_a_full_batch_is_one_call(self, dock: Any, bench: SinkBench, manifest: AdapterManifest) -> None:
        """`batch_max` updates cost the system one writing call, and every one is shown."""
        records = [await bench.new_record() for _ in range(manifest.limits.batch_max)]
        before = await bench.write_calls()

        outcomes = await dock.report_statuses([a_status_update(record) for record in records])

        assert list(outcomes) == [None] * len(records)
        assert await bench.write_calls() == before + 1
        assert isinstance(await bench.shown_status(records[-1]), ShownStatus)

    async def test_no_updates_are_no_call(self, dock: Any, bench: SinkBench) -> None:
        """Writing nothing costs nothing."""
        before = await bench.write_calls()

        assert list(await dock.report_statuses([])) == []

        assert await bench.write_calls() == before

    async def test_a_lost_answer_is_outcome_unknown(self, dock: Any, bench: SinkBench) -> None:
        """An answer lost after the commit raises OutcomeUnknown, and writing again is fine."""
        record = await bench.new_record()
        await bench.lose_next_answer()

        await raised(OutcomeUnknown, dock.report_statuses([a_status_update(record)]))

        assert list(await dock.report_statuses([a_status_update(record)])) == [None]
        assert await bench.shown_status(record) is not None
