"""AvaTax on a test bench: what the suite may do to the simulator."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from crossdock.adapters.avatax.simulator import Fault, LocalAvatax, refusal
from crossdock.ports.manifest import Role
from crossdock.testing.bench import AddressBench
from crossdock.transport.loopback import Request, Response, json_response


class AvataxBench(AddressBench):
    def __init__(self, local: LocalAvatax, settings: Mapping[str, Any]) -> None:
        self.settings = settings
        self._local = local

    def _next(self, fault: Fault) -> None:
        self._local.avatax.faults.append(("", fault))

    async def go_down(self) -> None:
        await self._local.stop()

    async def come_back(self) -> None:
        await self._local.come_back()

    async def refuse_next(self) -> None:
        async def refuse(_request: Request, _answer: Any) -> Response:
            return refusal(503, "ServerUnreachable")

        self._next(refuse)

    async def throttle_next(self, wait_seconds: float) -> None:
        async def throttle(_request: Request, _answer: Any) -> Response:
            return refusal(429, "RateLimitExceeded", {"retry-after": f"{wait_seconds:g}"})

        self._next(throttle)

    async def break_next_read(self) -> None:
        async def cut(_request: Request, _answer: Any) -> Response:
            return Response(drop=True)

        self._next(cut)

    async def revoke_credential(self) -> None:
        self._local.avatax.revoked = True

    async def add_unknown_fields(self, role: Role) -> None:
        async def add(_request: Request, answer: Any) -> Response:
            value = msgspec.json.decode(answer().body)
            value["validatedAddresses"][0]["moonPhase"] = "full"
            return json_response(value | {"took": 4})

        self._next(add)

    async def drop_field(self, role: Role) -> str:
        async def drop(_request: Request, answer: Any) -> Response:
            value = msgspec.json.decode(answer().body)
            del value["validatedAddresses"][0]["line1"]
            return json_response(value)

        self._next(drop)
        return "$.validatedAddresses[0].line1"

    async def answer_next_oddly(self) -> None:
        async def complain(_request: Request, answer: Any) -> Response:
            value = msgspec.json.decode(answer().body)
            odd = {"summary": "The moon is in the way.", "refersTo": "Address.Line0", "severity": "Error"}
            return json_response(value | {"messages": [odd]})

        self._next(complain)

    async def asked_for(self) -> Sequence[str]:
        return [body.decode() for body in self._local.avatax.asked]

    async def slow_down(self, seconds: float) -> None:
        self._local.avatax.delay_seconds = seconds

    async def in_flight_peak(self) -> int:
        return self._local.avatax.in_flight_peak
