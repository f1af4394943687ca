"""Restate's service: a handler of six `run_typed` steps, which Hypercorn serves.

The steps are coroutines: Restate's SDK sends plain functions through a pool of threads, which costs more.
"""

import os

import restate

from bench.peers import order_steps
from bench.peers.erp_by_aiohttp import submit
from bench.peers.order_steps import Json

submission = restate.Service("submission")


async def validate(order: Json) -> Json:
    return order_steps.validate(order)


async def price(order: Json) -> Json:
    return order_steps.price(order)


async def tax(priced: Json) -> Json:
    return order_steps.tax(priced)


async def reserve(order: Json) -> Json:
    return order_steps.reserve(order)


async def submit_to_erp(order: Json, priced: Json, taxed: Json) -> Json:
    return await submit(os.environ["RESTATE_ERP"], order, priced, taxed)


async def status(order: Json, accepted: Json) -> Json:
    return order_steps.status(order, accepted)


@submission.handler()
async def submit_order(ctx: restate.Context, order: Json) -> Json:
    await ctx.run_typed("validate", validate, order=order)
    priced = await ctx.run_typed("price", price, order=order)
    taxed = await ctx.run_typed("tax", tax, priced=priced)
    await ctx.run_typed("reserve", reserve, order=order)
    accepted = await ctx.run_typed("submit_to_erp", submit_to_erp, order=order, priced=priced, taxed=taxed)
    told: Json = await ctx.run_typed("status", status, order=order, accepted=accepted)
    return told


app = restate.app(services=[submission])
