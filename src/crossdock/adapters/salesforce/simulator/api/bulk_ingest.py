"""Bulk API 2.0 ingest: upload CSV, let the job run, fetch what went well and what did not."""

from typing import Any

from crossdock.adapters.salesforce.simulator.api.bulk_jobs import (
    DELIMITERS,
    FINAL,
    JOB_BYTES_MAX,
    LINE_ENDINGS,
    Job,
    job_content,
    job_option,
    read_csv,
    write_csv,
)
from crossdock.adapters.salesforce.simulator.api.call import Answer, Call, Desk, table
from crossdock.adapters.salesforce.simulator.failures import ApiError
from crossdock.adapters.salesforce.simulator.org import Actor, Org
from crossdock.adapters.salesforce.simulator.records.lookup import key_field
from crossdock.adapters.salesforce.simulator.records.writer import SeveralRows, Writer
from crossdock.adapters.salesforce.simulator.tables.schema import SObject

ROUTES = table()
OPERATIONS = ("insert", "update", "upsert", "delete", "hardDelete")
_TRANSACTION_ROWS = 200
_NULL = "#N/A"


@ROUTES.add("POST", "jobs/ingest")
def open_job(desk: Desk, call: Call) -> Answer:
    """Make a job that waits for its upload."""
    body = call.object()
    operation = job_option(body, "operation", OPERATIONS, "")
    job_option(body, "contentType", ("CSV",), "CSV")
    sobject = desk.org.schema.find(str(body.get("object", "")))
    if sobject is None:
        raise ApiError("INVALIDJOB", f"Unable to find object: {body.get('object')}")
    external_id = str(body.get("externalIdFieldName", ""))
    if operation == "upsert":
        if not external_id:
            raise ApiError("INVALIDJOB", "Upsert needs externalIdFieldName")
        external_id = key_field(desk.org, sobject, external_id).name
    job = desk.jobs.open(
        kind="ingest",
        operation=operation,
        sobject=sobject.name,
        created_by=call.session.user_id,
        created_at=desk.org.now_text(),
        api_version=float(call.version),
        external_id=external_id,
        delimiter=job_option(body, "columnDelimiter", DELIMITERS, "COMMA"),
        line_ending=job_option(body, "lineEnding", LINE_ENDINGS, "LF"),
        client=call.client,
        state="Open",
    )
    return Answer(content=_content(job, call, counted=False))


@ROUTES.add("GET", "jobs/ingest")
def all_jobs(desk: Desk, call: Call) -> Answer:
    """Every ingest job."""
    records = [_content(job, call, counted=False) for job in desk.jobs.all("ingest")]
    return Answer(content={"done": True, "records": records, "nextRecordsUrl": None})


@ROUTES.add("PUT", "jobs/ingest/{job_id}/batches")
def upload(desk: Desk, call: Call) -> Answer:
    """Take the job's CSV, once."""
    job = desk.jobs.get("ingest", call.variables["job_id"])
    if job.state != "Open" or job.upload is not None:
        raise ApiError("INVALIDJOBSTATE", f"Upload is not possible: the job is {job.state}")
    if len(call.body) > JOB_BYTES_MAX:
        raise ApiError("INVALIDBATCH", "The upload is larger than 150 MB", status=413)
    job.upload = call.body
    return Answer(status=201)


@ROUTES.add("PATCH", "jobs/ingest/{job_id}")
def change(desk: Desk, call: Call) -> Answer:
    """Close the upload, or abort the job."""
    job = desk.jobs.get("ingest", call.variables["job_id"])
    state = call.object().get("state")
    if state == "UploadComplete" and job.state == "Open":
        if job.upload is None:
            raise ApiError("INVALIDJOBSTATE", "There is no upload to close")
        job.state = "UploadComplete"
    elif state == "Aborted" and job.state not in FINAL:
        job.state = "Aborted"
        job.unprocessed = _rows_of_aborted(job)
    else:
        raise ApiError("INVALIDJOBSTATE", f"A job that is {job.state} can't become {state}")
    job.polls, job.modified_at = 0, desk.org.now_text()
    return Answer(content=_content(job, call, counted=False))


@ROUTES.add("GET", "jobs/ingest/{job_id}")
def poll(desk: Desk, call: Call) -> Answer:
    """The job's state. Asking often enough is what makes it advance."""
    job = desk.jobs.get("ingest", call.variables["job_id"])
    _advance(desk, job)
    return Answer(content=_content(job, call, counted=True))


@ROUTES.add("DELETE", "jobs/ingest/{job_id}")
def remove(desk: Desk, call: Call) -> Answer:
    """Forget a job that has ended."""
    desk.jobs.remove(desk.jobs.get("ingest", call.variables["job_id"]))
    return Answer(status=204)


@ROUTES.add("GET", "jobs/ingest/{job_id}/successfulResults")
def successful(desk: Desk, call: Call) -> Answer:
    """Rows that were written, with their ids."""
    job = desk.jobs.get("ingest", call.variables["job_id"])
    return _csv(write_csv(job, ["sf__Id", "sf__Created", *job.columns], job.successful))


@ROUTES.add("GET", "jobs/ingest/{job_id}/failedResults")
def failed(desk: Desk, call: Call) -> Answer:
    """Rows that were refused, with the reason."""
    job = desk.jobs.get("ingest", call.variables["job_id"])
    return _csv(write_csv(job, ["sf__Id", "sf__Error", *job.columns], job.failed))


@ROUTES.add("GET", "jobs/ingest/{job_id}/unprocessedrecords")
def unprocessed(desk: Desk, call: Call) -> Answer:
    """Rows that were not tried, because the job was aborted or failed. Clients spell the path in two cases."""
    job = desk.jobs.get("ingest", call.variables["job_id"])
    return _csv(write_csv(job, job.columns, job.unprocessed))


def _advance(desk: Desk, job: Job) -> None:
    settings = desk.org.settings
    job.polls += 1
    if job.state == "UploadComplete" and job.polls > settings.bulk_polls_queued:
        job.state, job.polls = "InProgress", 1
    if job.state == "InProgress" and job.polls > settings.bulk_polls_in_progress:
        _process(desk.org, job)
        job.modified_at = desk.org.now_text()


def _process(org: Org, job: Job) -> None:
    """Write all rows, in transactions of 200 as the vendor does. One bad row does not hold the others back."""
    sobject = org.schema.get(job.sobject)
    try:
        job.columns, rows = read_csv((job.upload or b"").decode("utf-8-sig"), job)
    except (ValueError, UnicodeDecodeError) as broken:
        job.state, job.error = "Failed", f"InvalidBatch : {broken}"
        return
    unknown = [name for name in job.columns if not _is_column(org, sobject, name)]
    if unknown:
        job.state, job.unprocessed = "Failed", rows
        job.error = f"InvalidBatch : Field name not found : {', '.join(unknown)}"
        return
    client = f";client={job.client}" if job.client else ""
    actor = Actor(
        user_id=job.created_by,
        origin=f"com/salesforce/api/bulkapi/{job.api_version}{client}",
        request=job.id,
    )
    for start in range(0, len(rows), _TRANSACTION_ROWS):
        with org.transaction(actor) as transaction:
            writer = Writer(org, transaction)
            for row in rows[start : start + _TRANSACTION_ROWS]:
                _process_row(org, job, actor, writer, row)
    job.state, job.upload = "JobComplete", None


def _process_row(org: Org, job: Job, actor: Actor, writer: Writer, row: list[str]) -> None:
    values = _values(job.columns, row)
    given = next((str(value) for name, value in values.items() if name.lower() == "id"), "")
    try:
        with org.transaction(actor):
            record_id, created = _write(job, writer, values)
        job.successful.append([record_id, "true" if created else "false", *row])
    except SeveralRows as several:
        reason = (
            f"MULTIPLE_CHOICES:More than one record found: {', '.join(several.record_ids)}:{job.external_id} --"
        )
        job.failed.append([given, reason, *row])
    except ApiError as refusal:
        fields = " ".join(refusal.fields or [])
        job.failed.append([given, f"{refusal.code}:{refusal.message}:{fields} --", *row])


def _write(job: Job, writer: Writer, values: dict[str, Any]) -> tuple[str, bool]:
    if job.operation == "insert":
        return writer.create(job.sobject, values), True
    if job.operation == "upsert":
        name = next((own for own in values if own.lower() == job.external_id.lower()), None)
        key = values.pop(name) if name is not None else None
        if key is None:
            raise ApiError("MISSING_ARGUMENT", f"{job.external_id} not specified", fields=[job.external_id])
        return writer.upsert(job.sobject, job.external_id, str(key), values)
    name = next((own for own in values if own.lower() == "id"), None)
    record_id = values.pop(name) if name is not None else None
    if record_id is None:
        raise ApiError("MISSING_ARGUMENT", "Id not specified", fields=["Id"])
    if job.operation == "update":
        writer.update(job.sobject, str(record_id), values)
    else:
        writer.delete(job.sobject, str(record_id), forever=job.operation == "hardDelete")
    return str(record_id), False


def _values(columns: list[str], row: list[str]) -> dict[str, Any]:
    """A row as an object: empty cells change nothing, `#N/A` clears, `Account.ErpId__c` names a parent."""
    values: dict[str, Any] = {}
    for name, cell in zip(columns, row, strict=True):
        if cell == "":
            continue
        value = None if cell == _NULL else cell
        relation, _, field = name.partition(".")
        values[relation] = value if not field or value is None else {field.rsplit(".", 1)[-1]: value}
    return values


def _is_column(org: Org, sobject: SObject, name: str) -> bool:
    relation, _, field = name.partition(".")
    if not field:
        return org.schema.field(sobject, name) is not None
    link = sobject.relationship(relation)
    if link is None:
        return False
    parent = org.schema.get(link.refers_to[0])
    return org.schema.field(parent, field.rsplit(".", 1)[-1]) is not None


def _rows_of_aborted(job: Job) -> list[list[str]]:
    try:
        job.columns, rows = read_csv((job.upload or b"").decode("utf-8-sig"), job)
    except (ValueError, UnicodeDecodeError):
        return []
    return rows


def _content(job: Job, call: Call, *, counted: bool) -> dict[str, Any]:
    return job_content(job, f"services/data/v{call.version}/jobs/ingest", counted=counted)


def _csv(content: bytes) -> Answer:
    return Answer(raw=content, headers={"content-type": "text/csv"})
