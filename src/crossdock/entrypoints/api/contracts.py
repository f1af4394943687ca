"""The published contracts: what we take and what we tell, as JSON Schema."""

from collections.abc import Mapping
from functools import lru_cache
from http import HTTPStatus
from typing import Any

from litestar import Response, get
from litestar.params import FromPath

from crossdock.canonical.order import Order
from crossdock.contracts.envelope import CloudEvent, schema_of
from crossdock.contracts.published import PUBLISHED
from crossdock.entrypoints.api.answers import ContractList
from crossdock.entrypoints.entrance.problems import Problem, ProblemDocument

SCHEMA_JSON = "application/schema+json"

CONTRACTS: Mapping[str, type[Any]] = {
    "order": Order,
    "problem": ProblemDocument,
    "cloud-event": CloudEvent,
    **PUBLISHED,
}


@get("/v1/contracts", name="list_contracts", sync_to_thread=False)
def list_contracts() -> ContractList:
    """Every contract and where its schema is."""
    return ContractList(contracts={name: f"/v1/contracts/{name}" for name in CONTRACTS})


@get("/v1/contracts/{name:str}", name="get_contract", sync_to_thread=False)
def get_contract(name: FromPath[str]) -> Response[Mapping[str, Any]]:
    """The JSON Schema (2020-12) of a contract."""
    contract = CONTRACTS.get(name)
    if contract is None:
        raise Problem(HTTPStatus.NOT_FOUND, "contract-unknown")
    return Response(_schema(name), media_type=SCHEMA_JSON, headers={"Cache-Control": "public, max-age=300"})


ROUTES = (list_contracts, get_contract)


@lru_cache(maxsize=64)
def _schema(name: str) -> Mapping[str, Any]:
    contract = CONTRACTS[name]
    return {**schema_of(contract), "$id": f"/v1/contracts/{name}"}
