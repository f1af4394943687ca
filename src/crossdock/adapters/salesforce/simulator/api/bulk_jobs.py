"""Bulk API 2.0 jobs: their states, which advance as they are polled, and their CSV."""

import csv
import io
from collections.abc import Iterable, Sequence
from typing import Any, Literal

import msgspec

from crossdock.adapters.salesforce.simulator.failures import ApiError, not_found
from crossdock.adapters.salesforce.simulator.tables.ids import IdSequence, normalised

State = Literal["Open", "UploadComplete", "InProgress", "JobComplete", "Failed", "Aborted"]
FINAL: frozenset[str] = frozenset({"JobComplete", "Failed", "Aborted"})
DELIMITERS = {"COMMA": ",", "SEMICOLON": ";", "TAB": "\t", "PIPE": "|", "CARET": "^", "BACKQUOTE": "`"}
LINE_ENDINGS = {"LF": "\n", "CRLF": "\r\n"}
JOB_BYTES_MAX = 150 * 1024 * 1024


class Job(msgspec.Struct, kw_only=True):
    """One job. `polls` counts how often its present state was asked for."""

    id: str
    kind: Literal["ingest", "query"]
    operation: str
    sobject: str
    created_by: str
    created_at: str
    api_version: float
    external_id: str = ""
    delimiter: str = "COMMA"
    line_ending: str = "LF"
    query: str = ""
    client: str = ""
    state: State = "UploadComplete"
    polls: int = 0
    modified_at: str = ""
    error: str = ""
    upload: bytes | None = None
    columns: list[str] = []
    successful: list[list[str]] = []
    failed: list[list[str]] = []
    unprocessed: list[list[str]] = []
    results: list[list[str]] = []

    @property
    def processed(self) -> int:
        """Rows that were tried."""
        return len(self.results) if self.kind == "query" else len(self.successful) + len(self.failed)


class BulkJobs:
    """All jobs of the org."""

    def __init__(self) -> None:
        self._ids = IdSequence()
        self._jobs: dict[str, Job] = {}

    def open(self, **facts: Any) -> Job:
        """Make a job."""
        job = Job(id=self._ids.next("750"), **facts)
        self._jobs[job.id] = job
        return job

    def get(self, kind: str, job_id: str) -> Job:
        """The job of an id. Raises ApiError NOT_FOUND."""
        job = self._jobs.get(normalised(job_id) or "")
        if job is None or job.kind != kind:
            raise not_found()
        return job

    def all(self, kind: str) -> list[Job]:
        """Jobs of a kind, newest last."""
        return [job for job in self._jobs.values() if job.kind == kind]

    def remove(self, job: Job) -> None:
        """Forget a job that has ended. Raises ApiError API_ERROR."""
        if job.state not in FINAL | {"UploadComplete"}:
            raise ApiError("API_ERROR", f"Can't delete a job in state {job.state}.")
        del self._jobs[job.id]


def job_content(job: Job, instance_path: str, *, counted: bool) -> dict[str, Any]:
    """A job as the API shows it; the counters appear once it is polled."""
    content: dict[str, Any] = {
        "id": job.id,
        "operation": job.operation,
        "object": job.sobject,
        "createdById": job.created_by,
        "createdDate": job.created_at,
        "systemModstamp": job.modified_at or job.created_at,
        "state": job.state,
        "concurrencyMode": "Parallel",
        "contentType": "CSV",
        "apiVersion": job.api_version,
        "lineEnding": job.line_ending,
        "columnDelimiter": job.delimiter,
    }
    if job.kind == "ingest":
        content |= {"jobType": "V2Ingest", "contentUrl": f"{instance_path}/{job.id}/batches"}
        if job.external_id:
            content["externalIdFieldName"] = job.external_id
    else:
        content["jobType"] = "V2Query"
    if counted:
        content |= {"numberRecordsProcessed": job.processed, "retries": 0, "totalProcessingTime": job.processed}
        if job.kind == "ingest":
            content |= {
                "numberRecordsFailed": len(job.failed),
                "apiActiveProcessingTime": job.processed,
                "apexProcessingTime": 0,
            }
    if job.error:
        content["errorMessage"] = job.error
    return content


def read_csv(text: str, job: Job) -> tuple[list[str], list[list[str]]]:
    """Header and rows of an upload. Raises ValueError when it is not a table."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=DELIMITERS[job.delimiter], strict=True)
    try:
        rows = [row for row in reader if row]
    except csv.Error as broken:
        raise ValueError(str(broken)) from None
    if not rows:
        raise ValueError("the upload has no header")
    header, *body = rows
    ragged = next((number for number, row in enumerate(body, start=1) if len(row) != len(header)), None)
    if ragged is not None:
        raise ValueError(f"row {ragged} has not as many fields as the header")
    return [name.strip() for name in header], body


def write_csv(job: Job, header: Sequence[str], rows: Iterable[Sequence[str]]) -> bytes:
    """A table in the job's own delimiter and line ending, every field quoted."""
    buffer = io.StringIO(newline="")
    writer = csv.writer(
        buffer,
        delimiter=DELIMITERS[job.delimiter],
        lineterminator=LINE_ENDINGS[job.line_ending],
        quoting=csv.QUOTE_ALL,
    )
    writer.writerow(header)
    writer.writerows(rows)
    return buffer.getvalue().encode()


def job_option(body: dict[str, Any], name: str, allowed: Iterable[str], default: str) -> str:
    """One of a job's options. Raises ApiError INVALIDJOB."""
    value = body.get(name, default)
    if value not in allowed:
        raise ApiError("INVALIDJOB", f"Unable to parse Job: {name} can't be {value!r}")
    return str(value)
