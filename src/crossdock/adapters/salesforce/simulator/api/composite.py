"""Several requests in one: composites and graphs that refer to each other's answers, and plain batches."""

import re
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import msgspec

from crossdock.adapters.salesforce.simulator.api.call import Answer, Call, Desk, failed, flag, listed, table
from crossdock.adapters.salesforce.simulator.failures import ApiError, bad_json, halted
from crossdock.adapters.salesforce.simulator.org import Org

ROUTES = table()
SUBREQUESTS_MAX = 25
QUERIES_MAX = 5
GRAPHS_MAX = 75
NODES_MAX = 500
NODE_KINDS_MAX = 15
FAILED_GRAPHS_MAX = 14
_BAD_REQUEST = 400
_REFERENCE = re.compile(r"@\{([A-Za-z0-9_]+)((?:\.[A-Za-z0-9_]+|\[\d+\])+)\}")
_ADDRESS = re.compile(r"/services/data/v(\d+\.\d)/(.+)")
_BATCH_ADDRESS = re.compile(r"(?:/services/data/)?/?v(\d+\.\d)/(.+)")
_COSTLY = ("query", "composite/sobjects")


class _Undone(Exception):
    """Leaves the transaction so that it is rolled back; the answers are kept."""


class Step(msgspec.Struct, frozen=True):
    """One request inside a composite, with its references not yet filled in."""

    method: str
    url: str
    reference: str
    body: Any
    headers: dict[str, str]


@ROUTES.add("POST", "composite")
def composite(desk: Desk, call: Call) -> Answer:
    """Run up to 25 requests in order."""
    body = call.object()
    steps = _steps(body.get("compositeRequest"))
    if len(steps) > SUBREQUESTS_MAX:
        raise ApiError("LIMIT_EXCEEDED", f"The composite request has more than {SUBREQUESTS_MAX} subrequests.")
    costly = sum(1 for step in steps if _path_of(step).startswith(_COSTLY))
    if costly > QUERIES_MAX:
        raise ApiError("LIMIT_EXCEEDED", f"More than {QUERIES_MAX} queries or collections in a composite request.")
    return Answer(
        content={"compositeResponse": _run(desk.org, call, steps, all_or_none=flag(body.get("allOrNone")))}
    )


@ROUTES.add("POST", "composite/graph")
def graph(desk: Desk, call: Call) -> Answer:
    """Run graphs of requests, each all or none."""
    graphs = listed(call.object().get("graphs"), "graphs")
    parsed = [_graph(item) for item in graphs]
    if len(parsed) > GRAPHS_MAX or sum(len(steps) for _, steps in parsed) > NODES_MAX:
        raise ApiError("LIMIT_EXCEEDED", f"At most {GRAPHS_MAX} graphs with {NODES_MAX} nodes in all.")
    results, failures = [], 0
    for name, steps in parsed:
        if failures > FAILED_GRAPHS_MAX:
            answers = [_answer(step, failed(halted())) for step in steps]
        else:
            answers = _run(desk.org, call, steps, all_or_none=True)
        good = all(answer["httpStatusCode"] < _BAD_REQUEST for answer in answers)
        failures += not good
        results.append({"graphId": name, "graphResponse": {"compositeResponse": answers}, "isSuccessful": good})
    return Answer(content={"graphs": results})


@ROUTES.add("POST", "composite/batch")
def batch(_desk: Desk, call: Call) -> Answer:
    """Run up to 25 requests that have nothing to do with each other."""
    body = call.object()
    requests = listed(body.get("batchRequests"), "batchRequests")
    if len(requests) > SUBREQUESTS_MAX:
        raise ApiError("LIMIT_EXCEEDED", f"The batch request has more than {SUBREQUESTS_MAX} subrequests.")
    results: list[dict[str, Any]] = []
    halt = flag(body.get("haltOnError"))
    for item in requests:
        if halt and any(result["statusCode"] >= _BAD_REQUEST for result in results):
            stopped = ApiError("BATCH_PROCESSING_HALTED", "Batch processing halted per request", status=412)
            results.append({"statusCode": stopped.status, "result": stopped.body()})
            continue
        answer = _attempt(lambda item=item: _batched(call, item))  # type: ignore[misc]
        content = None if answer.content is msgspec.UNSET else answer.content
        results.append({"statusCode": answer.status, "result": content})
    bad = any(result["statusCode"] >= _BAD_REQUEST for result in results)
    return Answer(content={"hasErrors": bad, "results": results})


def _run(org: Org, call: Call, steps: list[Step], *, all_or_none: bool) -> list[dict[str, Any]]:
    known: dict[str, Any] = {}
    answers: list[Answer] = []
    if not all_or_none:
        for step in steps:
            answers.append(_attempt(lambda step=step: _dispatched(call, step, known)))  # type: ignore[misc]
            _remember(known, step, answers[-1])
        return [_answer(step, answer) for step, answer in zip(steps, answers, strict=True)]
    try:
        with org.transaction(call.actor()):
            for step in steps:
                answers.append(_attempt(lambda step=step: _dispatched(call, step, known)))  # type: ignore[misc]
                _demand_success(answers[-1])
                _remember(known, step, answers[-1])
    except _Undone:
        culprit = len(answers) - 1
        answers = [answers[n] if n == culprit else failed(halted()) for n in range(len(steps))]
    return [_answer(step, answer) for step, answer in zip(steps, answers, strict=True)]


def _demand_success(answer: Answer) -> None:
    if answer.status >= _BAD_REQUEST or _has_failed_row(answer):
        raise _Undone


def _attempt(run: Callable[[], Answer]) -> Answer:
    try:
        return run()
    except ApiError as refusal:
        return failed(refusal)


def _dispatched(call: Call, step: Step, known: dict[str, Any]) -> Answer:
    url = _filled(step.url, known, step.reference)
    match = _ADDRESS.fullmatch(url.split("?", 1)[0].split("#", 1)[0])
    if match is None:
        raise ApiError("INVALID_HTTP_REQUEST", f"The url of {step.reference} is not one of the data API: {url}")
    body = msgspec.UNSET if step.body is None else _filled(step.body, known, step.reference)
    return _sub_call(call, step.method, url, match, body, step.headers)


def _batched(call: Call, item: Any) -> Answer:
    if not isinstance(item, dict) or not isinstance(item.get("url"), str):
        raise bad_json("each batch request needs a method and a url")
    match = _BATCH_ADDRESS.fullmatch(item["url"].split("?", 1)[0])
    if match is None:
        raise ApiError("INVALID_HTTP_REQUEST", f"not an address of the data API: {item['url']}")
    return _sub_call(
        call, str(item.get("method", "GET")), item["url"], match, item.get("richInput", msgspec.UNSET), {}
    )


def _sub_call(
    call: Call, method: str, url: str, match: re.Match[str], payload: Any, headers: dict[str, str]
) -> Answer:
    sub = Call(
        method=method.upper(),
        path=match[2],
        version=match[1],
        session=call.session,
        request=call.request,
        dispatch=call.dispatch,
        query=dict(parse_qsl(urlsplit(url).query, keep_blank_values=True)),
        headers={**call.headers, **headers},
        payload=payload,
    )
    return call.dispatch(sub)


def _steps(requests: Any) -> list[Step]:
    steps: list[Step] = []
    for item in listed(requests, "compositeRequest"):
        if not isinstance(item, dict):
            raise bad_json("each subrequest must be an object")
        method, url, reference = (item.get(name) for name in ("method", "url", "referenceId"))
        if not (isinstance(method, str) and isinstance(url, str) and isinstance(reference, str)):
            raise bad_json("each subrequest needs method, url and referenceId")
        if any(step.reference == reference for step in steps):
            raise ApiError("INVALID_INPUT", f"Duplicate referenceId: {reference}")
        headers = item.get("httpHeaders") or {}
        own = (
            {str(name).lower(): str(value) for name, value in headers.items()} if isinstance(headers, dict) else {}
        )
        steps.append(Step(method, url, reference, item.get("body"), own))
    if not steps:
        raise ApiError("INVALID_INPUT", "The composite request has no subrequests.")
    return steps


def _graph(item: Any) -> tuple[str, list[Step]]:
    if not isinstance(item, dict) or not isinstance(item.get("graphId"), str):
        raise bad_json("each graph needs a graphId")
    steps = _steps(item.get("compositeRequest"))
    kinds = {(step.method, "/".join(_path_of(step).split("/")[:2])) for step in steps}
    foreign = [step.reference for step in steps if not _path_of(step).lower().startswith("sobjects/")]
    if foreign:
        raise ApiError("INVALID_INPUT", f"Graphs take rows of sobjects only, not: {', '.join(foreign)}")
    if len(kinds) > NODE_KINDS_MAX or len(steps) > NODES_MAX:
        raise ApiError("LIMIT_EXCEEDED", f"At most {NODES_MAX} nodes of {NODE_KINDS_MAX} kinds per graph.")
    return item["graphId"], steps


def _path_of(step: Step) -> str:
    match = _ADDRESS.match(step.url)
    return match[2] if match else ""


def _filled(value: Any, known: dict[str, Any], reference: str) -> Any:
    """Replace `@{ref.field}` by what the request `ref` answered; a text that is nothing else keeps the type."""
    if isinstance(value, dict):
        return {key: _filled(item, known, reference) for key, item in value.items()}
    if isinstance(value, list):
        return [_filled(item, known, reference) for item in value]
    if not isinstance(value, str) or "@{" not in value:
        return value
    whole = _REFERENCE.fullmatch(value)
    if whole is not None:
        return _looked_up(whole, known)
    return _REFERENCE.sub(lambda match: str(_looked_up(match, known)), value)


def _looked_up(match: re.Match[str], known: dict[str, Any]) -> Any:
    name, path = match[1], match[2].lstrip(".")
    value = known.get(name)
    for part in re.findall(r"[A-Za-z0-9_]+", path):
        if isinstance(value, list) and part.isdigit() and int(part) < len(value):
            value = value[int(part)]
        elif isinstance(value, dict):
            value = next((item for key, item in value.items() if key.lower() == part.lower()), None)
        else:
            value = None
    if value is None:
        raise ApiError(
            "PROCESSING_HALTED", f"Invalid reference specified. No value for {name}.{path} found in {name}"
        )
    return value


def _remember(known: dict[str, Any], step: Step, answer: Answer) -> None:
    if answer.status < _BAD_REQUEST and answer.content is not msgspec.UNSET:
        known[step.reference] = answer.content


def _has_failed_row(answer: Answer) -> bool:
    """Whether a collection inside an all-or-none composite left a row behind."""
    rows = answer.content
    return isinstance(rows, list) and any(isinstance(row, dict) and row.get("success") is False for row in rows)


def _answer(step: Step, answer: Answer) -> dict[str, Any]:
    headers = {"Location": answer.headers["location"]} if "location" in answer.headers else {}
    return {
        "body": None if answer.content is msgspec.UNSET else answer.content,
        "httpHeaders": headers,
        "httpStatusCode": answer.status,
        "referenceId": step.reference,
    }
