"""The calls of the Pub/Sub API. Each runs in a thread of the server; a second thread reads a stream's requests."""

import queue
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from functools import wraps
from typing import Any

import grpc

from crossdock.adapters.salesforce import pubsub_api_pb2 as wire
from crossdock.adapters.salesforce.pubsub_api_pb2_grpc import PubSubServicer
from crossdock.adapters.salesforce.simulator.events.avro import decode
from crossdock.adapters.salesforce.simulator.events.changes import Announcement
from crossdock.adapters.salesforce.simulator.events.log import REPLAY_ID_BYTES, ReplayRefused
from crossdock.adapters.salesforce.simulator.failures import ApiError
from crossdock.adapters.salesforce.simulator.faults import PublishExhausted
from crossdock.adapters.salesforce.simulator.org import Org
from crossdock.adapters.salesforce.simulator.pubsub.managed import Commit, Managed, ManagedSubscriptions
from crossdock.adapters.salesforce.simulator.pubsub.refusals import (
    Refusal,
    invalid,
    new_rpc_id,
    refuse,
    replay_refused,
    topic_not_found,
    unavailable,
)
from crossdock.adapters.salesforce.simulator.pubsub.stream import COMMITS_DUE, Batch, Stream
from crossdock.adapters.salesforce.simulator.tables.ids import normalised

EVENT_BYTES_MAX = 1_024 * 1_024
_EVENT_PREFIX = "/event/"
_METADATA = ("accesstoken", "instanceurl", "tenantid")


def _unary(call: Callable[["EventBus", Any, str], Any]) -> Callable[["EventBus", Any, Any], Any]:
    """Sign the caller in, and turn a Refusal into the call's end."""

    @wraps(call)
    def guarded(self: "EventBus", request: Any, context: Any) -> Any:
        rpc_id = new_rpc_id()
        try:
            self.authenticate(context)
            return call(self, request, rpc_id)
        except Refusal as refusal:
            refuse(context, refusal, rpc_id)

    return guarded


def _stream(
    call: Callable[["EventBus", Any, Any, Any, str], Iterator[Any]],
) -> Callable[["EventBus", Any, Any], Iterator[Any]]:
    """The same for a call that answers with a stream; `call` also gets the first request.

    That one is read before anything is refused: clients mistake an end during their first write for a fault of
    their own, and never see the reason.
    """

    @wraps(call)
    def guarded(self: "EventBus", requests: Any, context: Any) -> Iterator[Any]:
        rpc_id = new_rpc_id()
        first = next(requests, None)
        if first is None:
            return
        try:
            self.authenticate(context)
            yield from call(self, first, requests, context, rpc_id)
        except Refusal as refusal:
            refuse(context, refusal, rpc_id)

    return guarded


class EventBus(PubSubServicer):
    """Serves one org's events."""

    def __init__(self, org: Org) -> None:
        self._org = org
        self._managed = ManagedSubscriptions(org)

    def authenticate(self, context: Any) -> None:
        """Check the three metadata that every call carries. Raises Refusal."""
        given = {str(key).lower(): value for key, value in context.invocation_metadata()}
        if not all(given.get(name) for name in _METADATA):
            raise Refusal(
                grpc.StatusCode.UNAUTHENTICATED,
                "service.auth.headers.invalid",
                "The accesstoken, instanceurl and tenantid metadata must be given.",
            )
        problem = Refusal(
            grpc.StatusCode.UNAUTHENTICATED, "service.auth.error", "An authentication exception occurred."
        )
        try:
            self._org.directory.session(str(given["accesstoken"]))
        except ApiError:
            raise problem from None
        if normalised(given["tenantid"]) != self._org.organization_id:
            raise problem
        if not self._org.log.running:
            raise unavailable()

    @_unary
    def GetTopic(self, request: wire.TopicRequest, rpc_id: str) -> wire.TopicInfo:  # noqa: N802 - the wire's name
        """What a topic is, and its present schema."""
        self._check_topic(request.topic_name)
        sobject = self._org.registry.object_of(request.topic_name)
        return wire.TopicInfo(
            topic_name=request.topic_name,
            tenant_guid=self._org.organization_id,
            can_publish=sobject is not None and sobject.kind == "event",
            can_subscribe=True,
            schema_id=self._org.registry.of(sobject).schema_id if sobject is not None else "",
            rpc_id=rpc_id,
        )

    @_unary
    def GetSchema(self, request: wire.SchemaRequest, rpc_id: str) -> wire.SchemaInfo:  # noqa: N802 - the wire's name
        """A schema by its id."""
        if not request.schema_id:
            raise invalid("schema.validation.failed", "The schema id is blank.")
        found = self._org.registry.by_id(request.schema_id)
        if found is None:
            raise Refusal(grpc.StatusCode.NOT_FOUND, "schema.meta.permission", "The schema was not found.")
        return wire.SchemaInfo(schema_json=found.json, schema_id=found.schema_id, rpc_id=rpc_id)

    @_unary
    def Publish(self, request: wire.PublishRequest, rpc_id: str) -> wire.PublishResponse:  # noqa: N802 - same
        """Publish events to one topic."""
        return self._publish(request, rpc_id)

    @_stream
    def PublishStream(  # noqa: N802 - the wire's name
        self, first: wire.PublishRequest, requests: Iterator[wire.PublishRequest], context: Any, rpc_id: str
    ) -> Iterator[wire.PublishResponse]:
        """Publish events to one topic, request after request, until the publisher is silent for too long."""
        arrived: queue.Queue[wire.PublishRequest | None] = queue.Queue()
        arrived.put(first)
        _read(requests, arrived.put, lambda: arrived.put(None))
        topic = ""
        while context.is_active():
            try:
                request = arrived.get(timeout=self._org.settings.publish_idle_wait_seconds)
            except queue.Empty:
                raise Refusal(
                    grpc.StatusCode.UNAVAILABLE,
                    "publish.stream.sweeper.timeout",
                    "No events were published in time.",
                ) from None
            if request is None:
                return
            if topic and request.topic_name not in ("", topic):
                raise invalid("publish.topic.mismatch", "A stream publishes to one topic.")
            topic = topic or request.topic_name
            request.topic_name = topic
            yield self._publish(request, rpc_id)

    @_stream
    def Subscribe(  # noqa: N802 - the wire's name
        self, first: wire.FetchRequest, requests: Iterator[wire.FetchRequest], context: Any, rpc_id: str
    ) -> Iterator[wire.FetchResponse]:
        """Deliver a topic's events as the subscriber gives credit."""
        self._check_topic(first.topic_name)
        stream = Stream(self._org, context, first.topic_name, self._position(first))

        def credit(request: wire.FetchRequest) -> None:
            if request.num_requested <= 0:
                stream.fail(
                    invalid("subscription.fetch.requested.events.invalid", "num_requested must be greater than 0.")
                )
            elif request.topic_name not in ("", first.topic_name):
                stream.fail(invalid("subscription.fetch.topic.mismatch", "A stream reads one topic."))
            else:
                stream.grant(request.num_requested)

        credit(first)
        _read(requests, credit, stream.finish)
        for batch in stream.batches():
            if batch == COMMITS_DUE:
                continue
            yield wire.FetchResponse(
                events=batch.events,
                latest_replay_id=batch.latest,
                rpc_id=rpc_id,
                pending_num_requested=batch.pending,
            )

    @_stream
    def ManagedSubscribe(  # noqa: N802 - the wire's name
        self,
        first: wire.ManagedFetchRequest,
        requests: Iterator[wire.ManagedFetchRequest],
        context: Any,
        rpc_id: str,
    ) -> Iterator[wire.ManagedFetchResponse]:
        """The same, from a position that the org keeps and the subscriber commits."""
        managed, position = self._managed.open(first)
        try:
            self._check_topic(managed.topic)
            stream = Stream(self._org, context, managed.topic, position)
            self._take_managed(first, managed, stream)
            _read(requests, lambda request: self._take_managed(request, managed, stream), stream.finish)
            for batch in stream.batches():
                if batch == COMMITS_DUE:
                    answer = self._managed.commit(managed, stream.position)
                    yield _managed_response(stream.standing(), rpc_id, answer)
                else:
                    yield _managed_response(batch, rpc_id)
        finally:
            self._managed.close(managed)

    def _take_managed(self, request: wire.ManagedFetchRequest, managed: Managed, stream: Stream) -> None:
        """Credit, and commits: these wait a moment, so that several are answered by one response."""
        if request.num_requested < 0:
            code = "managed.subscription.fetch.request.events.invalid"
            stream.fail(invalid(code, "num_requested must not be negative."))
            return
        if request.HasField("commit_replay_id_request"):
            asked = request.commit_replay_id_request
            now = time.monotonic()
            with self._org.log.changed:
                managed.waiting = [*managed.waiting, Commit(asked.commit_request_id, asked.replay_id, now)]
                if stream.commits_due_at is None:
                    stream.commits_due_at = now + self._org.settings.commit_gather_wait_seconds
        if request.num_requested > 0:
            stream.grant(request.num_requested)
        self._org.log.wake()

    def _check_topic(self, topic: str) -> None:
        if not topic:
            raise invalid("topic.validation.empty", "The topic name is blank.")
        if self._org.registry.object_of(topic) is None and not self._org.log.is_channel(topic):
            raise topic_not_found(topic)

    def _position(self, request: wire.FetchRequest) -> int:
        if request.replay_preset == wire.EARLIEST:
            return 0
        if request.replay_preset == wire.LATEST:
            return self._org.log.newest()
        if not request.replay_id:
            raise invalid(
                "subscription.fetch.replayid.validation.failed",
                "A replay id must be given with the CUSTOM preset.",
            )
        try:
            return self._org.log.position(request.replay_id)
        except ReplayRefused:
            raise replay_refused() from None

    def _publish(self, request: wire.PublishRequest, rpc_id: str) -> wire.PublishResponse:
        if not request.topic_name:
            raise invalid("publish.topic.validation.empty", "The topic name is blank.")
        self._check_topic(request.topic_name)
        sobject = self._org.registry.object_of(request.topic_name)
        if sobject is None or not request.topic_name.startswith(_EVENT_PREFIX):
            raise Refusal(
                grpc.StatusCode.PERMISSION_DENIED, "topic.meta.permission", "Nobody may publish to this topic."
            )
        if not request.events:
            raise invalid("publish.event.count.invalid", "There are no events in the request.")
        results = [self._publish_event(request.topic_name, event) for event in request.events]
        return wire.PublishResponse(
            results=results, schema_id=self._org.registry.of(sobject).schema_id, rpc_id=rpc_id
        )

    def _publish_event(self, topic: str, event: wire.ProducerEvent) -> wire.PublishResult:
        schema = self._org.registry.by_id(event.schema_id)
        problem = ""
        if schema is None or schema.topic != topic:
            problem = f"The schema {event.schema_id} is not one of this topic."
        elif len(event.payload) > EVENT_BYTES_MAX:
            problem = "The event is larger than 1 MB."
        elif self._org.faults.take(PublishExhausted):
            problem = "LIMIT_EXCEEDED: You have exceeded the event publishing limit for your org."
        else:
            try:
                decode(schema, event.payload)
            except ValueError as broken:
                problem = str(broken)
        if problem:
            return wire.PublishResult(error=wire.Error(code=wire.PUBLISH, msg=problem), correlation_key=event.id)
        announcement = Announcement(topic, str(uuid.uuid4()), event.schema_id, event.payload)
        with self._org.guard:
            replay_id = self._org.publish([announcement])[0]
        return wire.PublishResult(replay_id=replay_id.to_bytes(REPLAY_ID_BYTES, "big"), correlation_key=event.id)


def _managed_response(
    batch: Batch, rpc_id: str, commit: wire.CommitReplayResponse | None = None
) -> wire.ManagedFetchResponse:
    return wire.ManagedFetchResponse(
        events=batch.events,
        latest_replay_id=batch.latest,
        rpc_id=rpc_id,
        pending_num_requested=batch.pending,
        commit_response=commit,
    )


def _read(requests: Iterator[Any], take: Callable[[Any], None], end: Callable[[], None]) -> None:
    """Read a stream's requests in a thread of their own, until the caller is done or gone."""

    def run() -> None:
        try:
            for request in requests:
                take(request)
        except Exception:  # noqa: BLE001, S110 - grpc raises its own bare kind when the call is over
            pass
        finally:
            end()

    threading.Thread(target=run, name="pubsub-requests", daemon=True).start()
