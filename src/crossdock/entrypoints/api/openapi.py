"""The OpenAPI 3.1 document and a page to read it by, made from the routes, their policies and their contracts."""

import inspect
import re
from collections.abc import Iterable, Mapping, Sequence
from http import HTTPStatus
from typing import Any

import msgspec
from litestar import Response, get
from litestar.enums import HttpMethod
from litestar.handlers import HTTPRouteHandler

from crossdock.entrypoints.api.operation import Operation
from crossdock.entrypoints.api.operations import OPERATIONS
from crossdock.entrypoints.console.rendering import render
from crossdock.entrypoints.entrance.governance import RoutePolicy
from crossdock.entrypoints.entrance.problems import PROBLEM_JSON, PROBLEMS, ProblemDocument

VERSION = "1"
_REF = "#/components/schemas/{name}"
_PATH_PARAMETER = re.compile(r"\{(\w+):\w+\}")
_ALWAYS = (HTTPStatus.UNAUTHORIZED, HTTPStatus.TOO_MANY_REQUESTS)


def describe(routes: Iterable[HTTPRouteHandler], policies: Mapping[str, RoutePolicy]) -> Mapping[str, Any]:
    """The document of these routes."""
    paths: dict[str, dict[str, Any]] = {}
    for route in routes:
        (path,) = route.paths
        (method,) = route.http_methods
        operation, policy = OPERATIONS[str(route.name)], policies[str(route.name)]
        entry = _operation(route, operation, policy, _PATH_PARAMETER.findall(path))
        paths.setdefault(_PATH_PARAMETER.sub(r"{\1}", path), {})[HttpMethod(method).value.lower()] = entry
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Crossdock",
            "version": VERSION,
            "description": "Orders in, their status out, and the desk of a retail integration hub.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "paths": paths,
        "components": {
            "schemas": _schemas(),
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
    }


def _operation(
    route: HTTPRouteHandler, operation: Operation, policy: RoutePolicy, path_parameters: Sequence[str]
) -> dict[str, Any]:
    words = inspect.getdoc(route.fn) or ""
    summary, _, more = words.partition("\n\n")
    described: dict[str, Any] = {
        "operationId": str(route.name),
        "tags": [operation.group],
        "summary": summary.rstrip("."),
        "description": more,
        "parameters": _parameters(operation, path_parameters),
        "responses": _responses(operation),
        "security": [] if policy.scope == "public" else [{"token": []}, {}],
        "x-owner": policy.owner,
        "x-layer": policy.layer,
        "x-scope": policy.scope,
        "x-rate-limit": {"requests": policy.limit.requests, "windowSeconds": policy.limit.window_seconds},
        "x-timeout-seconds": policy.timeout_seconds,
    }
    if operation.body is not None:
        content = {"application/json": {"schema": _reference(operation.body)}}
        described["requestBody"] = {"required": True, "content": content}
    return described


def _parameters(operation: Operation, path_parameters: Sequence[str]) -> list[dict[str, Any]]:
    named = {
        "order_id": "The order's id, as its channel gave it.",
        "customer_id": "The customer's id, as the hub gave it.",
        "channel": "The channel's name, as `routes.yaml` has it.",
        "record_id": "The customer's number in that channel.",
        "name": "Its name.",
        "number": "The review's number.",
        "merge_id": "The merge's id.",
        "rehearsal_id": "The rehearsal's id.",
    }
    in_path = [
        {
            "name": name,
            "in": "path",
            "required": True,
            "description": named[name],
            "schema": {"type": "string", "minLength": 1},
        }
        for name in path_parameters
    ]
    others = [
        {"name": part.name, "in": part.place, "required": False, "description": part.words, "schema": part.schema}
        for part in operation.parameters
    ]
    return in_path + others


def _responses(operation: Operation) -> dict[str, Any]:
    responses: dict[str, Any] = {}
    for status, contract in operation.answers.items():
        schema = _reference(contract) if contract is not None else {}
        content = {operation.media_type: {"schema": schema}}
        responses[str(status)] = {"description": HTTPStatus(status).phrase, "content": content}
    problem = {PROBLEM_JSON: {"schema": _reference(ProblemDocument)}}
    for status in sorted({*operation.problems, *_ALWAYS}):
        responses.setdefault(str(int(status)), {"description": HTTPStatus(status).phrase, "content": problem})
    return responses


def _reference(contract: Any) -> dict[str, str]:
    return {"$ref": _REF.format(name=contract.__name__)}


def _schemas() -> dict[str, Any]:
    """What we take is closed, so that a typing error shows; what we tell may grow."""
    taken = {operation.body for operation in OPERATIONS.values() if operation.body is not None}
    told = {c for operation in OPERATIONS.values() for c in operation.answers.values() if c is not None}
    _, closed = msgspec.json.schema_components(_by_name(taken), ref_template=_REF)
    for schema in closed.values():
        if "properties" in schema:
            schema["additionalProperties"] = False
    _, opened = msgspec.json.schema_components(_by_name({*told, ProblemDocument}), ref_template=_REF)
    return dict(sorted({**opened, **closed}.items()))


def _by_name(contracts: Iterable[Any]) -> list[Any]:
    return sorted(contracts, key=lambda contract: str(contract.__name__))


def reference_routes(
    routes: Sequence[HTTPRouteHandler], policies: Mapping[str, RoutePolicy]
) -> tuple[HTTPRouteHandler, ...]:
    """The routes that tell about all routes, themselves included."""

    @get("/openapi.json", name="openapi", sync_to_thread=False)
    def openapi() -> Response[bytes]:
        """This API as OpenAPI 3.1."""
        return Response(document, media_type="application/json", headers={"Cache-Control": "public, max-age=300"})

    @get("/docs", name="reference", sync_to_thread=False)
    def reference() -> Response[str]:
        """This API to read."""
        return render("reference.html", api=described, problems=PROBLEMS)

    described = describe([*routes, openapi, reference], policies)
    document = msgspec.json.encode(described)
    return (openapi, reference)
