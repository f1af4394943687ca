"""SOQL over REST: pages, deleted rows, column metadata, and the tooling API's objects."""

from typing import Any

from crossdock.adapters.salesforce.simulator.api.call import Answer, Call, Desk, flag, table
from crossdock.adapters.salesforce.simulator.api.cursors import Page
from crossdock.adapters.salesforce.simulator.api.rows import create as create_row
from crossdock.adapters.salesforce.simulator.api.rows import delete as delete_row
from crossdock.adapters.salesforce.simulator.api.rows import read as read_row
from crossdock.adapters.salesforce.simulator.api.rows import update as update_row
from crossdock.adapters.salesforce.simulator.failures import ApiError
from crossdock.adapters.salesforce.simulator.soql.run import Found, Runner, columns_described

ROUTES = table()
PAGE_ROWS_MIN, PAGE_ROWS_MAX = 200, 2_000


@ROUTES.add("GET", "query")
def query(desk: Desk, call: Call) -> Answer:
    """The first page of a query's result."""
    return _first(desk, call, "query", _runner(desk, call, "query"))


@ROUTES.add("GET", "queryAll")
def query_all(desk: Desk, call: Call) -> Answer:
    """The same, deleted rows included."""
    return _first(desk, call, "query", _runner(desk, call, "query", include_deleted=True))


@ROUTES.add("GET", "query/{locator}")
def next_page(desk: Desk, call: Call) -> Answer:
    """A further page of a result."""
    return Answer(content=_page(desk.cursors.next(call.variables["locator"]), call, "query"))


@ROUTES.add("GET", "queryAll/{locator}")
def next_page_of_all(desk: Desk, call: Call) -> Answer:
    """A further page of a result with deleted rows."""
    return next_page(desk, call)


@ROUTES.add("GET", "tooling/query")
def tooling_query(desk: Desk, call: Call) -> Answer:
    """A query over the tooling objects, whose answers carry a few more names."""
    content = _first(desk, call, "tooling/query", _runner(desk, call, "tooling/query", tooling=True)).content
    records = content.get("records", [])
    extra = {
        "size": len(records),
        "queryLocator": None,
        "entityTypeName": records[0]["attributes"]["type"] if records else None,
    }
    return Answer(content={**content, **extra} if "records" in content else content)


@ROUTES.add("GET", "tooling/query/{locator}")
def tooling_next_page(desk: Desk, call: Call) -> Answer:
    """A further page of a tooling query."""
    return Answer(content=_page(desk.cursors.next(call.variables["locator"]), call, "tooling/query"))


ROUTES.add("POST", "tooling/sobjects/{sobject}")(create_row)
ROUTES.add("GET", "tooling/sobjects/{sobject}/{record_id}")(read_row)
ROUTES.add("PATCH", "tooling/sobjects/{sobject}/{record_id}")(update_row)
ROUTES.add("DELETE", "tooling/sobjects/{sobject}/{record_id}")(delete_row)


def _runner(
    desk: Desk, call: Call, resource: str, *, include_deleted: bool = False, tooling: bool = False
) -> Runner:
    """A runner whose sub-selects come in pages, too."""

    def page(found: Found) -> dict[str, Any]:
        return _page(desk.cursors.first(found, desk.org.settings.query_page_rows), call, resource)

    return Runner(desk.org, call.version, include_deleted=include_deleted, tooling=tooling, page=page)


def _first(desk: Desk, call: Call, resource: str, runner: Runner) -> Answer:
    text = call.query.get("q", "")
    if not text.strip():
        raise ApiError("MALFORMED_QUERY", "A query string has to be specified")
    with desk.org.guard:
        found = runner.run(text)
        if flag(call.query.get("columns")):
            return Answer(content=columns_described(found))
        if found.count is not None:
            return Answer(content={"totalSize": found.count, "done": True, "records": []})
        return Answer(content=_page(desk.cursors.first(found, _page_rows(desk, call, found)), call, resource))


def _page_rows(desk: Desk, call: Call, found: Found) -> int:
    """Rows per page: what the caller asks for, within bounds, and never more than this org gives."""
    limit = desk.org.settings.query_page_rows
    if found.aggregate:
        return max(limit, PAGE_ROWS_MAX)
    options = call.headers.get("sforce-query-options", "").replace(" ", "").lower()
    wanted = next((part[10:] for part in options.split(",") if part.startswith("batchsize=")), "")
    if not wanted.isdigit():
        return limit
    return min(max(int(wanted), PAGE_ROWS_MIN), PAGE_ROWS_MAX, limit)


def _page(page: Page, call: Call, resource: str) -> dict[str, Any]:
    content: dict[str, Any] = {"totalSize": page.total, "done": page.locator is None}
    if page.locator is not None:
        content["nextRecordsUrl"] = f"/services/data/v{call.version}/{resource}/{page.locator}"
    return {**content, "records": page.records}
