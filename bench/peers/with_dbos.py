"""DBOS on PostgreSQL: a workflow of six steps, as its documentation writes it and tuned.

`documented`: the programming guide's decorators and configuration, workflows started in the background with
their handles awaited, as many as come. `tuned`: the same code; few threads (its throughput falls above four:
one interpreter lock), the workflow called in the caller's thread, no ping before each transaction, a pool as
large as the threads, JSON instead of pickle.
"""

import threading
from collections.abc import Callable

from dbos import DBOS, DBOSConfig, DBOSPortableJSONSerializer, SetWorkflowID

from bench.peers import order_steps
from bench.peers.erp_by_urllib3 import blocking_erp
from bench.peers.lap import Lap, Told, listen
from bench.peers.order_steps import Json

told = listen()
submit = blocking_erp(told.erp, told.in_flight)


@DBOS.step()
def validate(order: Json) -> Json:
    return order_steps.validate(order)


@DBOS.step()
def price(order: Json) -> Json:
    return order_steps.price(order)


@DBOS.step()
def tax(priced: Json) -> Json:
    return order_steps.tax(priced)


@DBOS.step()
def reserve(order: Json) -> Json:
    return order_steps.reserve(order)


@DBOS.step()
def submit_to_erp(order: Json, priced: Json, taxed: Json) -> Json:
    return submit(order, priced, taxed)


@DBOS.step()
def status(order: Json, accepted: Json) -> Json:
    return order_steps.status(order, accepted)


@DBOS.workflow()
def submit_order(order: Json) -> Json:
    validate(order)
    priced = price(order)
    taxed = tax(priced)
    reserve(order)
    accepted = submit_to_erp(order, priced, taxed)
    told_channel: Json = status(order, accepted)
    return told_channel


def in_background(order: Json) -> None:
    """Start it, then wait for its handle."""
    with SetWorkflowID(order["order_id"]):
        handle = DBOS.start_workflow(submit_order, order)
    handle.get_result()


def in_this_thread(order: Json) -> None:
    """Call it."""
    with SetWorkflowID(order["order_id"]):
        submit_order(order)


def configuration(told: Told) -> DBOSConfig:
    config: DBOSConfig = {"name": "bench", "system_database_url": told.store, "log_level": "ERROR"}
    if told.variant == "tuned":
        config["sys_db_pool_size"] = told.in_flight + 1
        config["db_engine_kwargs"] = {"pool_pre_ping": False}
        config["serializer"] = DBOSPortableJSONSerializer()
    return config


def work_off(lap: Lap, one: Callable[[Json], None]) -> None:
    for order in lap.orders():
        one(order)
        lap.finish()


def main() -> None:
    DBOS(config=configuration(told))
    DBOS.launch()
    lap = Lap(told)
    lap.await_start()
    one = in_this_thread if told.variant == "tuned" else in_background
    threads = [threading.Thread(target=work_off, args=(lap, one)) for _ in range(told.in_flight)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    lap.close()
    DBOS.destroy()


if __name__ == "__main__":
    main()
