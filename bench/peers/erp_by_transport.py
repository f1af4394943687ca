"""The ERP call of ours and of the floor: the client that every adapter uses."""

from http import HTTPStatus
from typing import Any

import msgspec

from bench.peers.order_steps import Json, erp_body, erp_path
from crossdock.kit.errors import Unavailable
from crossdock.transport.http import HttpClient

SYSTEM = "lean ERP"
CONNECTIONS_MAX = 32
TIMEOUT_SECONDS = 30.0


class ErpCall:
    """Submits orders over connections that are kept alive."""

    def __init__(self, url: str) -> None:
        self._http = HttpClient(url, timeout_seconds=TIMEOUT_SECONDS, connections_max=CONNECTIONS_MAX)

    async def submit(self, order: Json, priced: Json, taxed: Json) -> Json:
        """What the ERP answers. Raises Unavailable, OutcomeUnknown."""
        body = erp_body(order, priced, taxed)
        answer = await self._http.send("POST", erp_path(order), system=SYSTEM, writes=True, content=body)
        if answer.status != HTTPStatus.OK:
            raise Unavailable(f"{SYSTEM} answers {answer.status}", code="unexpected-status", system=SYSTEM)
        accepted: Json = msgspec.json.decode(answer.body, type=dict[str, Any])
        return accepted

    async def close(self) -> None:
        """Let go of the connections."""
        await self._http.close()
