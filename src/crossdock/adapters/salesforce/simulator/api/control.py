"""The control panel at `/_simulator`: faults, counters, seeds and switches for runs in another process.

It is no part of the vendor's API, asks for no sign-in and counts against no limit.

    GET    /_simulator                       what there is, what is switched on, what was asked so far
    POST   /_simulator/faults                {"fault": "lock_rows", "times": 2}: see faults.py for every kind
    DELETE /_simulator/faults                all off, or ?fault=lock_rows only that kind
    GET    /_simulator/calls                 counters; DELETE counts anew
    POST   /_simulator/sessions/expire       every access token ends now
    POST   /_simulator/events/{switch}       stop, resume, drop-streams, age-out, reset
    POST   /_simulator/events/gap            {"sobject": "Order", "kind": "UPDATE", "records": ["801..."]}
    POST   /_simulator/events/overflow       {"sobject": "Order"}
    POST   /_simulator/records/{sobject}     [{...}, ...] inserts rows; ?announce=true also announces them
    GET    /_simulator/records/{sobject}     rows as they are
    POST   /_simulator/merges                {"sobject": "Account", "master": "001...", "losers": ["001..."]}
    POST   /_simulator/undeletions           ["001..."] brings rows back from the recycle bin
    POST   /_simulator/objects               a definition: name, prefix, kind, fields
    POST   /_simulator/objects/{sobject}/fields   a field
    POST   /_simulator/changes/{sobject}     announce this object's changes from now on
"""

from collections.abc import Callable
from typing import Any, Literal

import msgspec

from crossdock.adapters.salesforce.simulator.api.soap import undelete
from crossdock.adapters.salesforce.simulator.failures import ApiError
from crossdock.adapters.salesforce.simulator.faults import AnyFault, Fault
from crossdock.adapters.salesforce.simulator.org import UI_ORIGIN, Actor, Org
from crossdock.adapters.salesforce.simulator.records.merging import merge
from crossdock.adapters.salesforce.simulator.records.writer import Writer
from crossdock.adapters.salesforce.simulator.tables.schema import Field, ObjectDefinition
from crossdock.transport.loopback import MethodNotAllowed, NoRoute, Request, Response, Routes, json_response

PREFIX = "/_simulator"
Panel = Callable[[Org, Request, dict[str, str]], Any]
ROUTES: Routes[Panel] = Routes()


class GapOrder(msgspec.Struct, frozen=True):
    """Which gap event to publish."""

    sobject: str
    kind: Literal["CREATE", "UPDATE", "DELETE", "UNDELETE"]
    records: list[str]


class MergeOrder(msgspec.Struct, frozen=True):
    """Which rows to merge, as a user would by hand; `values` are set on the master."""

    sobject: str
    master: str
    losers: list[str]
    values: dict[str, Any] = {}


class OverflowOrder(msgspec.Struct, frozen=True):
    """For which object to publish an overflow event."""

    sobject: str


def respond(org: Org, request: Request, path: str) -> Response:
    """Answer one request to the panel: 200 with JSON, 400 with what is wrong, 404, 405."""
    try:
        match = ROUTES.find(request.method, path.removeprefix(PREFIX) or "/")
        with org.guard:
            return json_response(match.handler(org, request, match.variables))
    except (msgspec.ValidationError, msgspec.DecodeError, ValueError) as wrong:
        return json_response({"error": "invalid", "message": str(wrong)}, status=400)
    except ApiError as refusal:
        return json_response({"error": refusal.code, "message": refusal.message}, status=refusal.status)
    except NoRoute:
        return json_response({"error": "not_found", "message": f"no such control: {path}"}, status=404)
    except MethodNotAllowed as wrong:
        return json_response({"error": "method_not_allowed", "message": f"allowed: {wrong}"}, status=405)


@ROUTES.add("GET", "/")
def overview(org: Org, _request: Request, _variables: dict[str, str]) -> Any:
    """Everything worth knowing at a glance."""
    return {
        "instance_url": org.instance_url,
        "organization_id": org.organization_id,
        "faults": org.faults.active,
        "calls": org.calls.snapshot(),
        "rows": {table.sobject.name: len(table.rows) for table in org.store.tables()},
        "announced_objects": sorted(org.announcer.enabled),
    }


@ROUTES.add("GET", "/faults")
def faults(org: Org, _request: Request, _variables: dict[str, str]) -> Any:
    """What is switched on."""
    return org.faults.active


@ROUTES.add("POST", "/faults")
def add_fault(org: Org, request: Request, _variables: dict[str, str]) -> Any:
    """Switch a fault on."""
    fault: Fault = msgspec.json.decode(request.body, type=AnyFault)
    org.faults.add(fault)
    return org.faults.active


@ROUTES.add("DELETE", "/faults")
def clear_faults(org: Org, request: Request, _variables: dict[str, str]) -> Any:
    """Switch faults off."""
    wanted = request.query.get("fault")
    kinds = {kind.__struct_config__.tag: kind for kind in Fault.__subclasses__()}
    if wanted is not None and wanted not in kinds:
        raise ValueError(f"fault: one of {', '.join(sorted(str(kind) for kind in kinds))}")
    org.faults.clear(Fault if wanted is None else kinds[wanted])
    return org.faults.active


@ROUTES.add("GET", "/calls")
def calls(org: Org, _request: Request, _variables: dict[str, str]) -> Any:
    """Counters."""
    return org.calls.snapshot()


@ROUTES.add("DELETE", "/calls")
def reset_calls(org: Org, _request: Request, _variables: dict[str, str]) -> Any:
    """Begin to count anew."""
    org.calls.reset()
    return org.calls.snapshot()


@ROUTES.add("POST", "/sessions/expire")
def expire_sessions(org: Org, _request: Request, _variables: dict[str, str]) -> Any:
    """End every session."""
    return {"ended": org.directory.expire_all()}


@ROUTES.add("POST", "/events/gap")
def publish_gap(org: Org, request: Request, _variables: dict[str, str]) -> Any:
    """Publish one gap event."""
    order = msgspec.json.decode(request.body, type=GapOrder)
    sobject = org.schema.get(order.sobject)
    event = org.announcer.gap(org.commit_mark(user_interface(org)), sobject, order.kind, order.records)
    return {"replay_ids": org.publish([event])}


@ROUTES.add("POST", "/events/overflow")
def publish_overflow(org: Org, request: Request, _variables: dict[str, str]) -> Any:
    """Publish one overflow event."""
    order = msgspec.json.decode(request.body, type=OverflowOrder)
    sobject = org.schema.get(order.sobject)
    event = org.announcer.overflow(org.commit_mark(user_interface(org)), sobject)
    return {"replay_ids": org.publish([event])}


@ROUTES.add("POST", "/events/{switch}")
def switch_events(org: Org, _request: Request, variables: dict[str, str]) -> Any:
    """Turn the bus off and on, or make it forget."""
    switches = {
        "stop": org.log.stop,
        "resume": org.log.resume,
        "drop-streams": org.log.drop_streams,
        "age-out": org.log.age_out,
        "reset": org.log.reset,
    }
    if variables["switch"] not in switches:
        raise ValueError(f"switch: one of {', '.join(switches)}")
    switches[variables["switch"]]()
    return {"running": org.log.running}


@ROUTES.add("GET", "/records/{sobject}")
def rows(org: Org, _request: Request, variables: dict[str, str]) -> Any:
    """The rows of an object that are not deleted."""
    return org.rows(variables["sobject"])


@ROUTES.add("POST", "/records/{sobject}")
def insert(org: Org, request: Request, variables: dict[str, str]) -> Any:
    """Insert rows as a user would by hand."""
    records = msgspec.json.decode(request.body, type=list[dict[str, Any]])
    announce = request.query.get("announce") == "true"
    with org.transaction(user_interface(org), silent=not announce) as transaction:
        writer = Writer(org, transaction)
        return {"ids": [writer.create(variables["sobject"], record) for record in records]}


@ROUTES.add("POST", "/merges")
def merge_rows(org: Org, request: Request, _variables: dict[str, str]) -> Any:
    """Merge rows."""
    order = msgspec.json.decode(request.body, type=MergeOrder)
    with org.transaction(user_interface(org)) as transaction:
        moved = merge(org, transaction, order.sobject, order.master, order.losers, order.values)
    return {"moved": moved}


@ROUTES.add("POST", "/undeletions")
def undelete_rows(org: Org, request: Request, _variables: dict[str, str]) -> Any:
    """Bring rows back."""
    ids = msgspec.json.decode(request.body, type=list[str])
    with org.transaction(user_interface(org)) as transaction:
        for record_id in ids:
            undelete(org, Writer(org, transaction), record_id)
    return {"ids": ids}


@ROUTES.add("POST", "/objects")
def add_object(org: Org, request: Request, _variables: dict[str, str]) -> Any:
    """Add an object or a platform event."""
    definition = msgspec.json.decode(request.body, type=ObjectDefinition)
    return {"name": org.add_object(definition).name}


@ROUTES.add("POST", "/objects/{sobject}/fields")
def add_field(org: Org, request: Request, variables: dict[str, str]) -> Any:
    """Add a field."""
    field = msgspec.json.decode(request.body, type=Field)
    org.add_field(variables["sobject"], field)
    return {"name": field.name}


@ROUTES.add("POST", "/changes/{sobject}")
def enable_changes(org: Org, _request: Request, variables: dict[str, str]) -> Any:
    """Announce an object's changes from now on."""
    org.enable_changes(variables["sobject"])
    return {"announced_objects": sorted(org.announcer.enabled)}


def user_interface(org: Org) -> Actor:
    """The actor behind what is done by hand: the integration user, without the integration's origin mark."""
    person = org.directory.person(org.settings.username)
    return Actor(user_id=person.user_id if person else "", origin=UI_ORIGIN, request="ui")
