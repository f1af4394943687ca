"""Celery's application: what its worker runs.

A chain, because it is what gives Celery durable steps: each step is a message of its own, acknowledged when
its task is done and the next message is sent, so that a crash repeats one step.

`documented`: prefetch 1, the guide's advice for late acknowledgement, and every result kept. `tuned`: prefetch
64, and only the last result kept, for the chain hands the others on by message. `one-task`: tuned, and all six
steps in one task: cheaper, and no equal, for a crash repeats the whole order.
"""

import os
from functools import cache

from celery import Celery, chain
from celery.result import AsyncResult

from bench.peers import order_steps
from bench.peers.erp_by_urllib3 import blocking_erp
from bench.peers.order_steps import Json

PREFETCH_TUNED = 64
STORE = os.environ["CELERY_STORE"]
VARIANT = os.environ["CELERY_VARIANT"]
TUNED = VARIANT != "documented"

app = Celery("bench", broker=STORE, backend=STORE)
app.conf.update(
    task_acks_late=True,
    task_reject_on_worker_lost=True,
    worker_prefetch_multiplier=PREFETCH_TUNED if TUNED else 1,
)
passing = app.task(ignore_result=TUNED)
erp = cache(blocking_erp)


@passing
def validate(order: Json) -> Json:
    return {"order": order, "checked": order_steps.validate(order)}


@passing
def price(known: Json) -> Json:
    return known | {"priced": order_steps.price(known["order"])}


@passing
def tax(known: Json) -> Json:
    return known | {"taxed": order_steps.tax(known["priced"])}


@passing
def reserve(known: Json) -> Json:
    return known | {"reserved": order_steps.reserve(known["order"])}


@passing
def submit_to_erp(known: Json) -> Json:
    submit = erp(os.environ["CELERY_ERP"], 1)
    return known | {"accepted": submit(known["order"], known["priced"], known["taxed"])}


@app.task
def status(known: Json) -> Json:
    return order_steps.status(known["order"], known["accepted"])


@app.task
def all_at_once(order: Json) -> Json:
    known = order
    for step in (validate, price, tax, reserve, submit_to_erp, status):
        known = step(known)
    return known


def start(order: Json) -> AsyncResult:
    """Send it under way; the result is that of the last step."""
    if VARIANT == "one-task":
        return all_at_once.delay(order)
    steps = (validate.s(order), price.s(), tax.s(), reserve.s(), submit_to_erp.s(), status.s())
    return chain(*steps).apply_async()
