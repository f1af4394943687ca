"""All that the hub knows about a party, in one file for machines and one for people."""

import html
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from crossdock.durable.codec import decode
from crossdock.identity.golden.ledger import record_key
from crossdock.identity.golden.survivorship import golden

if TYPE_CHECKING:
    from crossdock.bootstrap.hub import Hub

ROWS_MAX = 200
EVENTS_MAX = 10_000

_PAGE = (
    '<!doctype html><html lang="en"><meta charset="utf-8"><title>What is known</title>'
    "<style>body{{font:16px/1.5 sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}}"
    "dt{{font-weight:600}}dd{{margin:0 0 .5rem 1.5rem;overflow-wrap:anywhere}}</style>"
    "<h1>All that is known of {title}</h1>{content}</html>"
)


async def known_of(hub: "Hub", party_id: str) -> dict[str, Any] | None:
    """Everything, as JSON has it; None where there is no such party."""
    store, ownership = hub.store, hub.deployment.ownership
    file = await store.read_party(party_id)
    if file is None or ownership is None:
        return None
    holds = golden(file.records, ownership, hub.clock.now(), file.pins)
    number = holds["account.number"].values.get("account.number") if "account.number" in holds else None
    orders = await hub.board.list_orders(search=str(number), limit=ROWS_MAX) if number else ()
    records = [record_key(record.reference) for record in file.records]
    events = await store.read_events(0, EVENTS_MAX, f"customer/{party_id}")
    return msgspec.to_builtins(  # type: ignore[no-any-return]
        {
            "party": party_id,
            "holds": {unit: {"values": value.values, "why": value.why()} for unit, value in holds.items()},
            "records": file.records,
            "decided by people": file.pins,
            "recognised": {record: await store.list_decisions(record, limit=ROWS_MAX) for record in records},
            "history": await store.read_history(party_id, limit=ROWS_MAX),
            "told to others": [
                {"type": one.type, "at": one.at, "says": decode(one.data, object)} for one in events
            ],
            "orders": [row for row in orders if row.customer == number],
        }
    )


def write_export(known: dict[str, Any], folder: Path) -> tuple[Path, Path]:
    """Write both files, each whole or not at all, readable by their owner alone; their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = folder / f"{known['party']}.json", folder / f"{known['party']}.html"
    page = _PAGE.format(title=html.escape(known["party"]), content=_shown(known))
    for path, content in zip(paths, (msgspec.json.format(msgspec.json.encode(known)), page.encode()), strict=True):
        draft = path.with_name(f".{path.name}.{os.getpid()}")
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            file.write(content)
        draft.replace(path)
    return paths


def _shown(value: Any) -> str:
    if isinstance(value, dict):
        rows = (f"<dt>{html.escape(str(name))}</dt><dd>{_shown(part)}</dd>" for name, part in value.items())
        return f"<dl>{''.join(rows)}</dl>"
    if isinstance(value, list):
        return f"<ul>{''.join(f'<li>{_shown(part)}</li>' for part in value)}</ul>" if value else "nothing"
    return html.escape(str(value))
