"""Managed subscriptions: the org keeps the position, and the subscriber commits it."""

import threading
import time
from typing import Any

import grpc
import msgspec

from crossdock.adapters.salesforce import pubsub_api_pb2 as wire
from crossdock.adapters.salesforce.simulator.events.log import ReplayRefused
from crossdock.adapters.salesforce.simulator.org import Org
from crossdock.adapters.salesforce.simulator.pubsub.refusals import Refusal, invalid
from crossdock.adapters.salesforce.simulator.tables.ids import CASE_SAFE_LENGTH, ID_LENGTH, normalised
from crossdock.adapters.salesforce.simulator.tables.store import Row

_NOT_FOUND = grpc.StatusCode.NOT_FOUND


class Commit(msgspec.Struct, frozen=True):
    """A position the subscriber wants to be kept."""

    request_id: str
    replay_id: bytes
    asked_at: float


class Managed(msgspec.Struct, kw_only=True):
    """One subscription in use: its record, and the commits that wait to be answered together."""

    record_id: str
    topic: str
    waiting: list[Commit] = []


class ManagedSubscriptions:
    """Positions of all managed subscriptions. One subscriber at a time may use each."""

    def __init__(self, org: Org) -> None:
        self._org = org
        self._lock = threading.Lock()
        self._active: set[str] = set()
        self._committed: dict[str, int] = {}

    def open(self, request: wire.ManagedFetchRequest) -> tuple[Managed, int]:
        """Begin to use the subscription a first request names; also where to read from. Raises Refusal."""
        if request.HasField("commit_replay_id_request"):
            raise invalid(
                "managed.subscription.fetch.request.commit.request.restricted",
                "The first request may not carry a commit.",
            )
        record = self._record(request)
        metadata = record["Metadata"] or {}
        if metadata.get("state", "RUN") != "RUN":
            raise Refusal(
                grpc.StatusCode.FAILED_PRECONDITION,
                "managed.subscription.config.stopped",
                "The managed subscription is stopped.",
            )
        record_id = str(record["Id"])
        with self._lock:
            if record_id in self._active:
                raise Refusal(
                    grpc.StatusCode.ALREADY_EXISTS,
                    "managed.subscription.already.active",
                    "An active subscription with the same id exists.",
                )
            self._active.add(record_id)
        managed = Managed(record_id=record_id, topic=str(metadata.get("topicName", "")))
        return managed, self._start(record_id, metadata)

    def close(self, managed: Managed) -> None:
        """End the use."""
        with self._lock:
            self._active.discard(managed.record_id)

    def commit(self, managed: Managed, delivered: int) -> wire.CommitReplayResponse:
        """Answer the waiting commits by one response: the last of them is what counts."""
        with self._lock:
            last = managed.waiting[-1]
            managed.waiting = []
            problem = self._problem(managed, last, delivered)
            if problem is None:
                self._committed[managed.record_id] = int.from_bytes(last.replay_id, "big")
        response = wire.CommitReplayResponse(
            commit_request_id=last.request_id,
            replay_id=last.replay_id,
            process_time=int((time.monotonic() - last.asked_at) * 1_000),
        )
        if problem is not None:
            response.error.CopyFrom(wire.Error(code=wire.COMMIT, msg=problem))
        return response

    def _problem(self, managed: Managed, commit: Commit, delivered: int) -> str | None:
        if not commit.replay_id:
            return "The commit request has no replay id."
        try:
            position = self._org.log.position(commit.replay_id)
        except ReplayRefused:
            return "The replay id is invalid or no longer kept."
        if position > delivered:
            return "The event of this replay id was not delivered yet."
        if position < self._committed.get(managed.record_id, 0):
            return "The replay id is older than the one that is committed."
        return None

    def _start(self, record_id: str, metadata: dict[str, Any]) -> int:
        preset = metadata.get("defaultReplay", "LATEST")
        committed = self._committed.get(record_id)
        if committed is not None:
            try:
                return self._org.log.position(committed.to_bytes(8, "big"))
            except ReplayRefused:
                preset = metadata.get("errorRecoveryReplay", "LATEST")
        return 0 if preset == "EARLIEST" else self._org.log.newest()

    def _record(self, request: wire.ManagedFetchRequest) -> Row:
        if bool(request.subscription_id) == bool(request.developer_name):
            raise invalid(
                "managed.subscription.id.or.developer.name.empty", "Give a subscription id or a developer name."
            )
        table = self._org.table("ManagedEventSubscription")
        with self._org.guard:
            if request.developer_name:
                found = table.matching("DeveloperName", request.developer_name)
                if not found:
                    code = "managed.subscription.developer.name.not.found"
                    raise Refusal(_NOT_FOUND, code, f"There is no subscription {request.developer_name}.")
                return table.rows[found[0]]
            if len(request.subscription_id) not in (CASE_SAFE_LENGTH, ID_LENGTH):
                raise invalid("managed.subscription.subscription.id.invalid", "The id has 15 or 18 characters.")
            row = table.live(normalised(request.subscription_id) or "")
            if row is None:
                code = "managed.subscription.subscription.id.not.found"
                raise Refusal(_NOT_FOUND, code, f"There is no subscription {request.subscription_id}.")
            return row
