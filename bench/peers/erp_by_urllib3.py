"""The ERP call of peers with threads or processes: urllib3, one kept-alive connection per place.

It is what `requests` rides on, without what `requests` adds to each call.
"""

from collections.abc import Callable

import urllib3

from bench.peers.order_steps import Json, erp_body, erp_path

TIMEOUT_SECONDS = 30.0


def blocking_erp(url: str, connections: int) -> Callable[[Json, Json, Json], Json]:
    """A call that blocks its thread."""
    pool = urllib3.PoolManager(maxsize=connections, block=True, retries=False, timeout=TIMEOUT_SECONDS)

    def submit(order: Json, priced: Json, taxed: Json) -> Json:
        answer = pool.request("POST", url + erp_path(order), body=erp_body(order, priced, taxed))
        accepted: Json = answer.json()
        return accepted

    return submit
