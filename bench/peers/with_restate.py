"""Restate: the client that calls through the ingress, with the service as its child.

`--store` is the ingress and the admin address with a comma between, the variant the number of service processes.
"""

import asyncio
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import aiohttp

from bench.peers.lap import Lap, Told, free_port, listen

PATIENCE_SECONDS = 30.0
UNLIMITED = 2_147_483_647


async def take_orders(lap: Lap, session: aiohttp.ClientSession, ingress: str) -> None:
    for order in lap.orders():
        async with session.post(f"{ingress}/submission/submit_order", json=order) as answer:
            answer.raise_for_status()
            await answer.json()
        lap.finish()


def start_service(told: Told, port: int, folder: Path) -> subprocess.Popen[bytes]:
    """Hypercorn with the documentation's settings for production, and uvloop."""
    settings = [f"{name} = {UNLIMITED}" for name in ("h2_max_concurrent_streams", "keep_alive_max_requests")]
    settings += [f'bind = "127.0.0.1:{port}"', f"workers = {told.variant}", 'worker_class = "uvloop"']
    (folder / "hypercorn.toml").write_text("\n".join(settings))
    command = [sys.executable, "-m", "hypercorn", "--config", f"{folder}/hypercorn.toml"]
    command += ["bench.peers.restate_app:app"]
    return subprocess.Popen(command, env=os.environ | {"RESTATE_ERP": told.erp}, stdout=subprocess.DEVNULL)


async def register(session: aiohttp.ClientSession, admin: str, port: int) -> None:
    """Make the service known, as soon as it answers."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while True:
            async with session.post(f"{admin}/deployments", json={"uri": f"http://127.0.0.1:{port}"}) as answer:
                if answer.ok:
                    return
            await asyncio.sleep(0.2)


async def main() -> None:
    told = listen()
    ingress, admin = told.store.split(",")
    port = free_port()
    connector = aiohttp.TCPConnector(limit=told.in_flight)
    with tempfile.TemporaryDirectory() as folder:
        service = start_service(told, port, Path(folder))
        async with aiohttp.ClientSession(connector=connector) as session:
            await register(session, admin, port)
            lap = Lap(told)
            lap.await_start()
            await asyncio.gather(*(take_orders(lap, session, ingress) for _ in range(told.in_flight)))
            lap.close()
        service.terminate()
        service.wait()


if __name__ == "__main__":
    asyncio.run(main())
