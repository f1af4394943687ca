"""Bulk API 2.0 queries: start one, wait for it, fetch its CSV piece by piece."""

from typing import Any

from crossdock.adapters.salesforce.simulator.api.bulk_jobs import (
    DELIMITERS,
    FINAL,
    LINE_ENDINGS,
    Job,
    job_content,
    job_option,
    write_csv,
)
from crossdock.adapters.salesforce.simulator.api.call import Answer, Call, Desk, table
from crossdock.adapters.salesforce.simulator.failures import ApiError
from crossdock.adapters.salesforce.simulator.soql.parser import parse
from crossdock.adapters.salesforce.simulator.soql.run import Found, Runner
from crossdock.adapters.salesforce.simulator.soql.syntax import Function, Path, Query

ROUTES = table()
RESULT_ROWS_MAX = 50_000
_END = "null"


@ROUTES.add("POST", "jobs/query")
def open_job(desk: Desk, call: Call) -> Answer:
    """Start a query."""
    body = call.object()
    operation = job_option(body, "operation", ("query", "queryAll"), "")
    text = body.get("query")
    if not isinstance(text, str):
        raise ApiError("API_ERROR", "The query is missing")
    query = parse(text)
    _refuse_nested(query)
    source = desk.org.schema.find(query.source)
    if source is None or source.kind != "object":
        Runner(desk.org, call.version).run(text)  # refuses with the vendor's own words
    job = desk.jobs.open(
        kind="query",
        operation=operation,
        sobject=source.name if source else query.source,
        created_by=call.session.user_id,
        created_at=desk.org.now_text(),
        api_version=float(call.version),
        delimiter=job_option(body, "columnDelimiter", DELIMITERS, "COMMA"),
        line_ending=job_option(body, "lineEnding", LINE_ENDINGS, "LF"),
        query=text,
    )
    return Answer(content=job_content(job, "", counted=False))


@ROUTES.add("GET", "jobs/query")
def all_jobs(desk: Desk, _call: Call) -> Answer:
    """Every query job."""
    records = [job_content(job, "", counted=False) for job in desk.jobs.all("query")]
    return Answer(content={"done": True, "records": records, "nextRecordsUrl": None})


@ROUTES.add("GET", "jobs/query/{job_id}")
def poll(desk: Desk, call: Call) -> Answer:
    """The job's state. Asking often enough is what makes it advance."""
    job = desk.jobs.get("query", call.variables["job_id"])
    _advance(desk, job, call)
    return Answer(content=job_content(job, "", counted=True))


@ROUTES.add("PATCH", "jobs/query/{job_id}")
def change(desk: Desk, call: Call) -> Answer:
    """Abort the job."""
    job = desk.jobs.get("query", call.variables["job_id"])
    if call.object().get("state") != "Aborted" or job.state in FINAL:
        raise ApiError("INVALIDJOBSTATE", f"A job that is {job.state} can only be aborted before it has ended")
    job.state = "Aborted"
    return Answer(content=job_content(job, "", counted=False))


@ROUTES.add("DELETE", "jobs/query/{job_id}")
def remove(desk: Desk, call: Call) -> Answer:
    """Forget a job that has ended."""
    desk.jobs.remove(desk.jobs.get("query", call.variables["job_id"]))
    return Answer(status=204)


@ROUTES.add("GET", "jobs/query/{job_id}/results")
def results(desk: Desk, call: Call) -> Answer:
    """A piece of the result; the locator of the next one is in a header, the word "null" at the end."""
    job = desk.jobs.get("query", call.variables["job_id"])
    if job.state != "JobComplete":
        raise ApiError("INVALIDJOBSTATE", f"There are no results: the job is {job.state}")
    locator, wanted = call.query.get("locator", "0"), call.query.get("maxRecords", str(RESULT_ROWS_MAX))
    if not locator.isdigit() or not wanted.isdigit() or int(wanted) < 1:
        raise ApiError("INVALID_QUERY_LOCATOR", f"invalid locator: {locator}")
    start = int(locator)
    rows = job.results[start : start + min(int(wanted), RESULT_ROWS_MAX)]
    end = start + len(rows)
    return Answer(
        raw=write_csv(job, job.columns, rows),
        headers={
            "content-type": "text/csv",
            "sforce-locator": str(end) if end < len(job.results) else _END,
            "sforce-numberofrecords": str(len(rows)),
        },
    )


def _advance(desk: Desk, job: Job, call: Call) -> None:
    settings = desk.org.settings
    job.polls += 1
    if job.state == "UploadComplete" and job.polls > settings.bulk_polls_queued:
        job.state, job.polls = "InProgress", 1
    if job.state == "InProgress" and job.polls > settings.bulk_polls_in_progress:
        runner = Runner(desk.org, call.version, include_deleted=job.operation == "queryAll")
        try:
            _fill(job, runner.run(job.query))
            job.state = "JobComplete"
        except ApiError as refusal:
            job.state, job.error = "Failed", f"{refusal.code}: {refusal.message}"
        job.modified_at = desk.org.now_text()


def _fill(job: Job, found: Found) -> None:
    query = parse(job.query)
    paths = [item.parts for item in query.items if isinstance(item, Path)]
    job.columns = [".".join(parts) for parts in paths]
    job.results = [[_cell(found.write(row), parts) for parts in paths] for row in found.rows]


def _cell(record: dict[str, Any], parts: tuple[str, ...]) -> str:
    value: Any = record
    for part in parts:
        value = next((item for key, item in value.items() if key.lower() == part.lower()), None) if value else None
    if value is None:
        return ""
    return ("true" if value else "false") if isinstance(value, bool) else str(value)


def _refuse_nested(query: Query) -> None:
    if query.group_by or any(isinstance(item, Query | Function) for item in query.items):
        raise ApiError("API_ERROR", "Bulk queries have neither sub-selects nor aggregates")
