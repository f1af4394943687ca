"""The memory ERP in a process of its own, with the workload's estate: `python -m bench.erp` prints its address."""

import asyncio
import contextlib
import subprocess
import sys
from collections.abc import Iterator

from bench.full import estate
from crossdock.adapters.memory.simulator.server import MemoryErp
from crossdock.adapters.memory.simulator.surface import Surface

SECRET = "bench"


@contextlib.contextmanager
def erp_in_own_process() -> Iterator[str]:
    """Its address."""
    process = subprocess.Popen([sys.executable, "-m", "bench.erp"], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        yield process.stdout.readline().strip()
    finally:
        process.terminate()
        process.wait()


async def _serve() -> None:
    erp = MemoryErp(Surface(estate=estate(), secret=SECRET))
    await erp.start()
    print(erp.url, flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_serve())
