"""How processes are begun: from a server that has imported everything once, so that a hub is up in no time."""

import multiprocessing

PROCESSES = multiprocessing.get_context("forkserver")
PROCESSES.set_forkserver_preload(["bench.crash.hub", "bench.crash.erp"])
