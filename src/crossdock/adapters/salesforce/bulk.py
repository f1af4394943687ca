"""Bulk API 2.0: upserts by the thousand, as CSV, carried out by Salesforce in its own time.

A job only acts once it is closed, so whatever fails before that leaves nothing behind. A finished job can still
hold failed rows: every row's outcome is read from the job's three results and matched by its external id.
"""

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import date, datetime
from typing import Any

from crossdock.adapters.salesforce import failures, wire
from crossdock.adapters.salesforce.client import SalesforceClient
from crossdock.adapters.salesforce.rows import RowOutcome, Upserted
from crossdock.kit.clock import seconds_to_us
from crossdock.kit.errors import CrossdockError, OutcomeUnknown, Transient, Unavailable
from crossdock.transport.payload import decode

NULL = "#N/A"
RESULT_ATTEMPTS_MAX = 6
_JOBS = "jobs/ingest"
_DONE = frozenset({"JobComplete", "Failed", "Aborted"})


class BulkIngest:
    """Upserts rows of one object by one external id field."""

    def __init__(self, client: SalesforceClient, sobject: str, external_id_field: str) -> None:
        self._client = client
        self._sobject = sobject
        self._key = external_id_field

    async def upsert(self, rows: Sequence[wire.Row]) -> list[RowOutcome]:
        """Write `rows`, whose external ids all differ, in as many jobs as their size asks for.

        Returns outcomes in the rows' order. Raises only where the first job could not be carried out; when a
        later one cannot, its rows and all after them carry the error.
        """
        outcomes: list[RowOutcome] = []
        for part, content in parts(rows, self._client.settings.bulk_part_bytes_max):
            try:
                outcomes += await self._carry_out(part, content)
            except CrossdockError as error:
                if not outcomes:
                    raise
                outcomes += [error] * (len(rows) - len(outcomes))
                break
        return outcomes

    async def _carry_out(self, rows: Sequence[wire.Row], content: bytes) -> list[RowOutcome]:
        job = await self._open(content)
        await self._close(job.id)
        await self._finished(job.id)
        found = await self._outcomes(job.id)
        lost = OutcomeUnknown(
            "the job's results do not mention this row", code="salesforce-bulk-result", system=wire.SYSTEM
        )
        return [found.get(str(row[self._key]).casefold(), lost) for row in rows]

    async def _open(self, content: bytes) -> wire.BulkJob:
        """A job with its rows uploaded. Until it is closed nothing happens, so a lost answer does no harm."""
        described = {
            "object": self._sobject,
            "operation": "upsert",
            "externalIdFieldName": self._key,
            "contentType": "CSV",
            "lineEnding": "LF",
        }
        job = _job(await self._client.call("POST", _JOBS, json=described, writes=False))
        path = "/" + job.content_url.lstrip("/") if job.content_url else f"{_JOBS}/{job.id}/batches"
        try:
            await self._client.call("PUT", path, content=content, content_type="text/csv", writes=False)
        except CrossdockError:
            with suppress(CrossdockError):
                await self._client.call("PATCH", f"{_JOBS}/{job.id}", json={"state": "Aborted"}, writes=False)
            raise
        return job

    async def _close(self, job_id: str) -> None:
        """Let the job begin. Whether it did is seen when its state is asked for, so a lost answer may pass."""
        with suppress(OutcomeUnknown):
            await self._client.call("PATCH", f"{_JOBS}/{job_id}", json={"state": "UploadComplete"}, writes=True)

    async def _finished(self, job_id: str) -> None:
        """Return when the job has ended, well or badly. Raises OutcomeUnknown where it does not end in time."""
        settings, clock = self._client.settings, self._client.clock
        wait, deadline = settings.bulk_poll_seconds_min, clock.now() + seconds_to_us(settings.bulk_timeout_seconds)
        while clock.now() < deadline:
            await clock.sleep(wait)
            wait = min(wait * 2, settings.bulk_poll_seconds_max)
            try:
                job = _job(await self._client.call("GET", f"{_JOBS}/{job_id}", writes=False))
            except Transient:
                continue
            if job.state in _DONE:
                return
            if job.state == "Open":
                await self._close(job_id)
        raise OutcomeUnknown(
            f"job {job_id} did not end within {settings.bulk_timeout_seconds:.0f} s",
            code="salesforce-bulk-timeout",
            system=wire.SYSTEM,
        )

    async def _outcomes(self, job_id: str) -> Mapping[str, RowOutcome]:
        """Every row's outcome by its external id, which Salesforce compares without regard to case."""
        found: dict[str, RowOutcome] = {}
        for row in await self._results(job_id, "successfulResults"):
            found[row[self._key].casefold()] = Upserted(id=row["sf__Id"], created=row["sf__Created"] == "true")
        for row in await self._results(job_id, "failedResults"):
            found[row[self._key].casefold()] = failures.from_bulk(row["sf__Error"])
        for row in await self._results(job_id, "unprocessedrecords"):
            found[row[self._key].casefold()] = Unavailable(
                "the job ended before this row", code="salesforce-bulk-unprocessed", system=wire.SYSTEM
            )
        return found

    async def _results(self, job_id: str, name: str) -> Iterator[dict[str, str]]:
        """Rows of one result. Only the results tell what the job did, so it is worth asking for them again."""
        wait = self._client.settings.bulk_poll_seconds_min
        for attempt in range(RESULT_ATTEMPTS_MAX):
            try:
                body = await self._client.call("GET", f"{_JOBS}/{job_id}/{name}", writes=False)
                return csv.DictReader(io.StringIO(body.decode("utf-8"), newline=""))
            except Transient as error:
                if attempt == RESULT_ATTEMPTS_MAX - 1:
                    raise OutcomeUnknown(
                        f"the results of job {job_id} cannot be read", code=error.code, system=wire.SYSTEM
                    ) from error
                await self._client.clock.sleep(wait)
                wait *= 2
        raise AssertionError


def parts(rows: Sequence[wire.Row], bytes_max: int) -> Iterator[tuple[Sequence[wire.Row], bytes]]:
    """Slices of `rows` with their CSV, none longer than `bytes_max` unless a single row is."""
    flat = [_flat(row) for row in rows]
    columns = list(dict.fromkeys(name for row in flat for name in row))
    head = _line(columns)
    begin, size, lines = 0, len(head), [head]
    for index, row in enumerate(flat):
        line = _line([_cell(row[name]) if name in row else "" for name in columns])
        if size + len(line) > bytes_max and index > begin:
            yield rows[begin:index], b"".join(lines)
            begin, size, lines = index, len(head), [head]
        lines.append(line)
        size += len(line)
    if begin < len(rows):
        yield rows[begin:], b"".join(lines)


def _flat(row: wire.Row) -> dict[str, Any]:
    """A row's columns; a parent named by its own external id becomes `Account.ErpId__c`."""
    flat: dict[str, Any] = {}
    for name, value in row.items():
        if name == "attributes":
            continue
        if isinstance(value, Mapping):
            flat |= {f"{name}.{part}": inner for part, inner in value.items() if part != "attributes"}
        else:
            flat[name] = value
    return flat


def _line(cells: Sequence[str]) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\n").writerow(cells)
    return text.getvalue().encode()


def _cell(value: Any) -> str:
    """A value as a cell; an empty cell would mean "leave as it is", so emptiness is said in so many words."""
    if value is None or value == "":
        return NULL
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime | date):
        return value.isoformat()
    return str(value)


def _job(body: bytes) -> wire.BulkJob:
    return decode(body, wire.BulkJob, system=wire.SYSTEM)
