"""The ERP call of asynchronous peers: aiohttp, over connections that are kept alive."""

import aiohttp

from bench.peers.order_steps import Json, erp_body, erp_path

CONNECTIONS_MAX = 32
sessions: dict[str, aiohttp.ClientSession] = {}
"""One per ERP, opened in the event loop that first calls there."""


async def submit(url: str, order: Json, priced: Json, taxed: Json) -> Json:
    """A call that frees its event loop."""
    if url not in sessions:
        sessions[url] = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=CONNECTIONS_MAX))
    async with sessions[url].post(url + erp_path(order), data=erp_body(order, priced, taxed)) as answer:
        accepted: Json = await answer.json()
        return accepted
