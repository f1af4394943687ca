"""Orders out of a file: read with all findings at once, then captured in groups."""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
from msgspec.structs import replace
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from crossdock.canonical.order import Order
from crossdock.durable.records import Commit, Outcome
from crossdock.entrypoints.cli.output import err
from crossdock.entrypoints.cli.repairs import read_bounded
from crossdock.kit.errors import Finding, Invalid
from crossdock.kit.ids import check_business_key
from crossdock.kit.wording import counted
from crossdock.policies.order_acceptance import check_completeness
from crossdock.processes.order_capture import Captured, OrderCapture

if TYPE_CHECKING:
    from crossdock.bootstrap.hub import Hub

TOGETHER_MAX = 200
FINDINGS_MAX = 200


def read_orders(file: Path) -> list[Order]:
    """The orders in a file: one, a list, or one per line. Raises Invalid with every finding."""
    content = read_bounded(file)
    findings: list[Finding] = []
    orders = [order for path, raw in _entries(content) if (order := _read(path, raw, findings)) is not None]
    if findings:
        raise Invalid(
            f"{file} has {counted(len(findings), 'fault')}, so nothing was taken",
            code="orders-invalid",
            findings=findings[:FINDINGS_MAX],
        )
    if not orders:
        raise Invalid(f"{file} holds no order", code="orders-missing")
    return orders


def _entries(content: bytes) -> Iterator[tuple[str, bytes]]:
    """Each order's JSON and its place in the file."""
    try:
        whole = msgspec.json.decode(content)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        for number, line in enumerate(content.splitlines(), start=1):
            if line.strip():
                yield f"line {number} $", line
        return
    if isinstance(whole, list):
        for index, raw in enumerate(msgspec.json.decode(content, type=list[msgspec.Raw])):
            yield f"$[{index}]", bytes(raw)
    else:
        yield "$", content


def _read(path: str, raw: bytes, findings: list[Finding]) -> Order | None:
    """The order, or None and everything that is wrong with it: as strictly as at the API's door."""
    from crossdock.entrypoints.api.findings import read_body  # noqa: PLC0415 - `--help` waits for no web server
    from crossdock.entrypoints.entrance.problems import Problem  # noqa: PLC0415 - the same

    found: Sequence[Finding]
    try:
        order = read_body(raw, Order)
        check_business_key(order.order_id, "$.order_id")
        found = check_completeness(order)
        if not found:
            return order
    except Problem as problem:
        found = problem.findings or [Finding(problem.code, "$", problem.detail or "this is no JSON text in UTF-8")]
    except Invalid as fault:
        found = fault.findings
    findings += [replace(one, path=path + one.path.removeprefix("$")) for one in found]
    return None


async def capture_all(hub: "Hub", orders: Sequence[Order], *, quiet: bool) -> Mapping[str, Captured]:
    """Capture all, some at once, so that they share transactions; whoever runs the hub takes the runs up."""

    async def commit(wanted: Commit) -> Outcome:
        # Straight to the committer: this process runs no orders, so it must not lease any to itself.
        return await hub.committer.submit(wanted)

    capture = OrderCapture(hub.submission, commit, hub.clock)
    taken: dict[str, Captured] = {}
    columns = (TextColumn("handing in"), BarColumn(), MofNCompleteColumn())
    quiet = quiet or len(orders) < TOGETHER_MAX
    with Progress(*columns, console=err(), transient=True, disable=quiet) as progress:
        task = progress.add_task("orders", total=len(orders))
        for begin in range(0, len(orders), TOGETHER_MAX):
            part = orders[begin : begin + TOGETHER_MAX]
            outcomes = await asyncio.gather(*(capture.take(order) for order in part))
            for order, outcome in zip(part, outcomes, strict=True):
                # The same order twice in one file was taken once; other content under its number must show.
                if outcome is Captured.CHANGED or order.order_id not in taken:
                    taken[order.order_id] = outcome
            progress.advance(task, len(part))
    return taken
