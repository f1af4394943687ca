"""Celery with Redis as broker and result backend: the producer, with the worker as its child.

Redis appends to a file and syncs it once a second, as it recommends; the sides beside it sync every commit.
"""

import os
import subprocess
import sys
import time
from collections import deque
from typing import Any

from bench.peers.lap import Lap, Told, listen

PROCESSES = 2
RESULT_SECONDS_MAX = 60
QUIET = ("--without-gossip", "--without-mingle", "--without-heartbeat")


def start_worker(told: Told) -> subprocess.Popen[bytes]:
    words = [sys.executable, "-m", "celery", "--app", "bench.peers.celery_app", "worker"]
    words += [
        "--concurrency",
        str(PROCESSES),
        "--loglevel",
        "ERROR",
        *(QUIET if told.variant != "documented" else ()),
    ]
    return subprocess.Popen(words, stdout=subprocess.DEVNULL)


def main() -> None:
    told = listen()
    os.environ.update(CELERY_STORE=told.store, CELERY_VARIANT=told.variant, CELERY_ERP=told.erp)
    worker = start_worker(told)
    from bench.peers.celery_app import app, start  # noqa: PLC0415 - it reads the environment

    while not app.control.ping(timeout=0.5):
        time.sleep(0.1)
    lap = Lap(told)
    lap.await_start()
    under_way: deque[Any] = deque()
    for order in lap.orders():
        result = start(order)
        result.then(lambda _: lap.finish())
        under_way.append(result)
        if len(under_way) >= told.in_flight:
            under_way.popleft().get(timeout=RESULT_SECONDS_MAX)  # whatever else arrives meanwhile is counted, too
    for result in under_way:
        result.get(timeout=RESULT_SECONDS_MAX)
    lap.close()
    worker.terminate()
    worker.wait()


if __name__ == "__main__":
    main()
