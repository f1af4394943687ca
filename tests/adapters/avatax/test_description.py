"""The simulator answers as Avalara's published description says, and the dock asks as it says."""

import re
from collections.abc import AsyncIterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema_rs
import msgspec
import pytest
import yaml
from msgspec.structs import replace

from crossdock.adapters.avatax import ADAPTER, wire
from crossdock.adapters.avatax.simulator import LocalAvatax, refusal
from crossdock.kit.clock import SystemClock
from crossdock.testing.estate import Estate
from crossdock.transport.loopback import Request

ROOT = Path(__file__).parents[3]
PLACES = [folder / "shared/metadata/services/avatax/openapi.yaml" for folder in (ROOT.parent, ROOT.parents[1])]
DESCRIPTION = next((path for path in PLACES if path.is_file()), None)
ESTATE = Estate()
ASKED = {
    "known": ESTATE.address,
    "misspelt": ESTATE.misspelt_address,
    "ambiguous": ESTATE.ambiguous_address,
    "undeliverable": ESTATE.undeliverable_address,
    "without a number": replace(ESTATE.address, lines=("Main St",)),
    "elsewhere": replace(ESTATE.address, postal_code="92615"),
    "canadian": replace(ESTATE.address, lines=("111 Wellington St",), city="Ottawa", region="ON", country="CA"),
}
NAMES = (
    "AddressInfo AddressResolutionModel AddressValidationInfo AvaTaxMessage CoordinateInfo ErrorDetail "
    "PingResultModel TaxAuthorityInfo ValidatedAddressInfo"
).split()

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.skipif(DESCRIPTION is None, reason="Avalara's description is not here (../shared)"),
]


@cache
def schemas() -> Mapping[str, Any]:
    """Those that concern us, read without the two megabytes around them; what they do not name is refused."""
    assert DESCRIPTION is not None
    text = DESCRIPTION.read_text("utf-8")
    found = {}
    for name in NAMES:
        block = re.search(rf"^    {name}:\n(?:      .*\n|\n)+", text, re.MULTILINE)
        assert block is not None, name
        found[name] = {**yaml.safe_load(block[0])[name], "additionalProperties": False}
    return found


def faults(name: str, value: Any) -> list[str]:
    schema = {"$ref": f"#/components/schemas/{name}", "components": {"schemas": schemas()}}
    return [f"{fault.instance_path} {fault.message}" for fault in jsonschema_rs.iter_errors(schema, value)]


@pytest.fixture
async def local() -> AsyncIterator[LocalAvatax]:
    avatax = LocalAvatax()
    yield avatax
    await avatax.stop()


@pytest.mark.parametrize("kind", ASKED)
async def test_questions_and_answers_are_as_described(kind: str, local: LocalAvatax) -> None:
    dock = ADAPTER.make_dock(ADAPTER.load_settings(await local.start()), SystemClock())
    await dock.open()
    await dock.validate_addresses([ASKED[kind]])
    await dock.close()
    (question,) = (msgspec.json.decode(body) for body in local.avatax.asked)
    assert faults("AddressValidationInfo", question) == []
    assert faults("AddressResolutionModel", local.avatax.resolve(question)) == []


async def test_a_ping_and_a_refusal_are_as_described(local: LocalAvatax) -> None:
    answer = local.avatax.answer(Request(method="GET", path="/api/v2/utilities/ping"))
    assert faults("PingResultModel", msgspec.json.decode(answer.body)) == []
    (detail,) = msgspec.json.decode(refusal(401, "AuthenticationException").body)["error"]["details"]
    assert faults("ErrorDetail", detail) == []


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        (wire.AddressAsked, "AddressValidationInfo"),
        (wire.AddressFound, "ValidatedAddressInfo"),
        (wire.AvaTaxMessage, "AvaTaxMessage"),
        (wire.AddressResolutionModel, "AddressResolutionModel"),
        (wire.PingResultModel, "PingResultModel"),
    ],
)
def test_every_field_that_the_dock_reads_or_writes_is_described(kind: type[msgspec.Struct], name: str) -> None:
    assert set(kind.__struct_fields__) <= set(schemas()[name]["properties"])


def test_what_is_not_described_is_found_out() -> None:
    assert faults("AddressResolutionModel", {"resolutionQuality": "Superb"})
    assert faults("ValidatedAddressInfo", {"moonPhase": "full"})
    assert faults("AddressValidationInfo", {"line1": "x" * 51})
