"""Clients for the simulator's tests: a plain HTTP one, and the raw stubs of the event bus."""

import asyncio
import io
from typing import Any, Self

import fastavro
import grpc
import grpc.aio
import httpx
import msgspec

from crossdock.adapters.salesforce import pubsub_api_pb2 as wire
from crossdock.adapters.salesforce.pubsub_api_pb2_grpc import PubSubStub
from crossdock.adapters.salesforce.simulator import SalesforceSimulator

VERSION = "60.0"
PATIENCE_SECONDS = 10.0
_AIO: Any = grpc.aio  # its stubs know nothing of EOF
EOF = _AIO.EOF


class Rest:
    """Signs in by client credentials and speaks to the data API."""

    def __init__(self, simulator: SalesforceSimulator, *, client: str = "crossdock") -> None:
        self.simulator = simulator
        self.http = httpx.Client(base_url=simulator.instance_url, timeout=PATIENCE_SECONDS)
        self.headers = {"Sforce-Call-Options": f"client={client}"}
        self.sign_in()

    def sign_in(self) -> None:
        """Take a fresh token."""
        credentials = self.simulator.credentials
        form = {
            "grant_type": "client_credentials",
            "client_id": credentials.client_id,
            "client_secret": credentials.client_secret,
        }
        token = self.http.post("/services/oauth2/token", data=form).json()["access_token"]
        self.headers["Authorization"] = f"Bearer {token}"

    def __call__(self, method: str, resource: str, json: Any = None, **more: Any) -> httpx.Response:
        """One call; `resource` begins after the version."""
        headers = {**self.headers, **more.pop("headers", {})}
        url = resource if resource.startswith("/") else f"/services/data/v{VERSION}/{resource}"
        content = None if json is None else msgspec.json.encode(json)
        return self.http.request(method, url, content=content, headers=headers, **more)

    def query(self, soql: str, **headers: str) -> dict[str, Any]:
        """The first page of a query that must succeed."""
        response = self("GET", "query", params={"q": soql}, headers=headers)
        assert response.status_code == 200, response.text
        return dict(response.json())

    def names(self, soql: str) -> list[Any]:
        """The first selected field of every record."""
        return [list(record.values())[1] for record in self.query(soql)["records"]]

    def refused(self, soql: str) -> tuple[str, str]:
        """Code and message of a query that must fail."""
        response = self("GET", "query", params={"q": soql})
        assert response.status_code == 400, response.text
        (error,) = response.json()
        return error["errorCode"], error["message"]

    def created(self, sobject: str, **values: Any) -> str:
        """Insert a row that must be accepted; its id."""
        response = self("POST", f"sobjects/{sobject}", values)
        assert response.status_code == 201, response.text
        return str(response.json()["id"])


def error_of(response: httpx.Response) -> str:
    """The code of the one error in a refusal."""
    (error,) = response.json()
    return str(error["errorCode"])


class Bus:
    """The event bus by its raw stubs."""

    def __init__(self, simulator: SalesforceSimulator) -> None:
        self.simulator = simulator
        if simulator.certificate is None:
            self.channel = grpc.aio.insecure_channel(simulator.pubsub_target)
        else:
            trust = grpc.ssl_channel_credentials(simulator.certificate.read_bytes())
            self.channel = grpc.aio.secure_channel(simulator.pubsub_target, trust)
        self.stub = PubSubStub(self.channel)
        person = simulator.org.directory.person(simulator.settings.username)
        assert person is not None
        token = simulator.org.directory.sign_in(person, "test").token
        self.metadata = (
            ("accesstoken", token),
            ("instanceurl", simulator.instance_url),
            ("tenantid", simulator.organization_id),
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.channel.close(None)

    def subscribe(self, topic: str, credit: int, **more: Any) -> "Subscription":
        """Open a subscription; without a preset it reads from the earliest event."""
        more.setdefault("replay_preset", wire.EARLIEST)
        first = wire.FetchRequest(topic_name=topic, num_requested=credit, **more)
        return Subscription(self, first)

    def managed(self, name: str, credit: int) -> "Subscription":
        """Open a managed subscription."""
        return Subscription(self, wire.ManagedFetchRequest(developer_name=name, num_requested=credit))

    async def decode(self, event: wire.ConsumerEvent) -> dict[str, Any]:
        """An event's datum, by the schema that it names."""
        request = wire.SchemaRequest(schema_id=event.event.schema_id)
        info = await self.stub.GetSchema(request, metadata=self.metadata)
        schema = fastavro.parse_schema(msgspec.json.decode(info.schema_json))
        datum = fastavro.schemaless_reader(io.BytesIO(event.event.payload), schema, None)
        assert isinstance(datum, dict)
        return datum

    async def schema_of(self, topic: str) -> dict[str, Any]:
        """The present schema of a topic."""
        info = await self.stub.GetTopic(wire.TopicRequest(topic_name=topic), metadata=self.metadata)
        schema = await self.stub.GetSchema(wire.SchemaRequest(schema_id=info.schema_id), metadata=self.metadata)
        return dict(msgspec.json.decode(schema.schema_json))

    async def all_events(self, topic: str, count: int) -> list[dict[str, Any]]:
        """The first `count` events of a topic, decoded."""
        async with self.subscribe(topic, count) as subscription:
            return [await self.decode(event) for event in await subscription.events(count)]


class Subscription:
    """One open stream: give it credit, take responses; leaving the block cancels it."""

    def __init__(self, bus: Bus, first: Any) -> None:
        self._first = first
        managed = isinstance(first, wire.ManagedFetchRequest)
        method: Any = bus.stub.ManagedSubscribe if managed else bus.stub.Subscribe
        self.call = method(metadata=bus.metadata)

    async def __aenter__(self) -> Self:
        await self.send(self._first)
        return self

    async def __aexit__(self, *_: object) -> None:
        self.call.cancel()
        await self.call.code()  # resolves when the call is over, so that no loop is closed under it

    async def send(self, request: Any) -> None:
        """One more request."""
        await self.call.write(request)

    async def response(self) -> Any:
        """The next response; None when the stream has ended well."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            response = await self.call.read()
        return None if response is EOF else response

    async def events(self, count: int) -> list[wire.ConsumerEvent]:
        """So many events, from as many responses as it takes."""
        found: list[wire.ConsumerEvent] = []
        while len(found) < count:
            found += (await self.response()).events
        return found

    async def refusal(self) -> tuple[grpc.StatusCode, str]:
        """How the stream fails: the status, and the vendor's code without its prefix."""
        try:
            while await self.response() is not None:
                pass
        except grpc.aio.AioRpcError as error:
            metadata: Any = error.trailing_metadata()
            trailers = dict(metadata)
            assert trailers["rpc-id"]
            return error.code(), str(trailers["error-code"]).removeprefix("sfdc.platform.eventbus.grpc.")
        raise AssertionError("the stream ended well")
