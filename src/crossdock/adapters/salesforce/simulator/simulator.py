"""The simulator as one object: start it, seed it, point clients at it, switch faults on."""

import asyncio
import tempfile
from pathlib import Path
from typing import Any, Self

import msgspec

from crossdock.adapters.salesforce.simulator.api.front import Front
from crossdock.adapters.salesforce.simulator.calls import Calls
from crossdock.adapters.salesforce.simulator.certificates import self_signed, shared_jwt_key_pair
from crossdock.adapters.salesforce.simulator.directory import ConnectedApp
from crossdock.adapters.salesforce.simulator.faults import Faults
from crossdock.adapters.salesforce.simulator.org import UI_ORIGIN, Actor, Org
from crossdock.adapters.salesforce.simulator.pubsub.server import PubSubServer
from crossdock.adapters.salesforce.simulator.seeding import Seeder, found_org
from crossdock.adapters.salesforce.simulator.settings import OrgSettings
from crossdock.adapters.salesforce.simulator.tables.schema import Field, ObjectDefinition
from crossdock.kit.clock import Clock, SystemClock
from crossdock.transport.loopback import LoopbackServer


class Credentials(msgspec.Struct, frozen=True, kw_only=True):
    """Everything a client needs to sign in, by whichever grant it knows."""

    token_url: str
    client_id: str
    client_secret: str
    username: str
    password: str
    private_key: str


class SalesforceSimulator:
    """A Salesforce org on loopback: REST, Bulk 2.0 and the Pub/Sub API.

    `with SalesforceSimulator() as simulator:` serves from threads of its own; `async with` (or `start` and `stop`)
    serves HTTP from the running event loop. Ports are chosen by the operating system unless named. With `tls` both
    surfaces speak TLS with the self-signed certificate at `certificate`, which clients are to trust; it is written
    to `directory`, or to a temporary place.
    """

    def __init__(
        self,
        settings: OrgSettings | None = None,
        *,
        clock: Clock | None = None,
        port: int = 0,
        pubsub_port: int = 0,
        tls: bool = False,
        directory: Path | None = None,
    ) -> None:
        self.settings = settings or OrgSettings()
        self.org = Org(self.settings, clock or SystemClock())
        self._user_id = found_org(self.org)
        self.seed = Seeder(self.org, self._user_id)
        self._private_key, public_key = shared_jwt_key_pair()
        self.register_app(
            ConnectedApp(
                client_id=self.settings.client_id,
                client_secret=self.settings.client_secret,
                public_key=public_key,
                run_as=self.settings.username,
            )
        )
        self._temporary = (
            tempfile.TemporaryDirectory(prefix="salesforce-simulator-") if tls and not directory else None
        )
        place = Path(self._temporary.name) if self._temporary else directory
        self.certificate: Path | None = None
        key: Path | None = None
        if tls and place is not None:
            self.certificate, key = self_signed(place)
        self._http = LoopbackServer(Front(self.org).respond, port=port, certificate=self.certificate, key=key)
        self._pubsub = PubSubServer(self.org, port=pubsub_port, certificate=self.certificate, key=key)

    @property
    def instance_url(self) -> str:
        """Scheme, host and port of the REST API. Raises RuntimeError before the start."""
        return self._http.url

    @property
    def pubsub_target(self) -> str:
        """Host and port of the Pub/Sub API, known after the start."""
        return self._pubsub.target

    @property
    def organization_id(self) -> str:
        """The org's id, which the Pub/Sub API calls the tenant."""
        return self.org.organization_id

    @property
    def faults(self) -> Faults:
        """What the org is told to do wrong."""
        return self.org.faults

    @property
    def calls(self) -> Calls:
        """What the org was asked."""
        return self.org.calls

    @property
    def credentials(self) -> Credentials:
        """How to sign in."""
        return Credentials(
            token_url=f"{self.instance_url}/services/oauth2/token",
            client_id=self.settings.client_id,
            client_secret=self.settings.client_secret,
            username=self.settings.username,
            password=self.settings.password,
            private_key=self._private_key,
        )

    def rows(self, sobject: str) -> list[dict[str, Any]]:
        """Copies of the rows of an object that are not deleted, oldest first. Raises ApiError NOT_FOUND."""
        return self.org.rows(sobject)

    def register_app(self, app: ConnectedApp) -> None:
        """Let another app sign in."""
        self.org.directory.register(app)

    def add_object(self, definition: ObjectDefinition) -> None:
        """Add an object, or a platform event (`kind="event"`). Raises ValueError."""
        self.org.add_object(definition)

    def add_field(self, sobject: str, field: Field) -> None:
        """Add a field; its object's event schema changes with it. Raises ValueError."""
        self.org.add_field(sobject, field)

    def enable_changes(self, *sobjects: str) -> None:
        """Announce the changes of these objects, too. Raises ApiError NOT_FOUND."""
        self.org.enable_changes(*sobjects)

    def add_channel(self, name: str, *topics: str) -> None:
        """Define a channel such as /data/Trade__chn over several topics."""
        self.org.log.channel(name, set(topics))

    def add_managed_subscription(self, name: str, topic: str, *, default_replay: str = "LATEST") -> str:
        """Define a managed subscription; return its id."""
        metadata = {
            "topicName": topic,
            "state": "RUN",
            "defaultReplay": default_replay,
            "errorRecoveryReplay": default_replay,
            "label": name,
        }
        record = {"DeveloperName": name, "FullName": name, "MasterLabel": name, "Metadata": metadata}
        return self.seed.rows("ManagedEventSubscription", [record])[0]

    def expire_sessions(self) -> None:
        """End every session now: the next call of each is answered by 401."""
        self.org.directory.expire_all()

    def stop_events(self) -> None:
        """Take the event bus down; what is published meanwhile is kept."""
        self.org.log.stop()

    def resume_events(self) -> None:
        """Bring the event bus back."""
        self.org.log.resume()

    def drop_streams(self) -> None:
        """Break off every open subscription."""
        self.org.log.drop_streams()

    def age_out_events(self) -> None:
        """Forget all events and positions, as after 72 hours."""
        self.org.log.age_out()

    def reset_events(self) -> None:
        """Forget all, and begin again with low replay ids, as after an org migration."""
        self.org.log.reset()

    def publish_gap(self, sobject: str, kind: str, *record_ids: str) -> None:
        """Announce a change of these rows without its values; `kind` is CREATE, UPDATE, DELETE or UNDELETE."""
        with self.org.guard:
            mark = self.org.commit_mark(self._by_hand())
            self.org.publish([self.org.announcer.gap(mark, self.org.schema.get(sobject), kind, list(record_ids))])

    def publish_overflow(self, sobject: str) -> None:
        """Announce that an object changed in more ways than the bus tells."""
        with self.org.guard:
            mark = self.org.commit_mark(self._by_hand())
            self.org.publish([self.org.announcer.overflow(mark, self.org.schema.get(sobject))])

    async def start(self) -> None:
        """Serve; HTTP from the running event loop. Raises OSError or RuntimeError when a port is taken."""
        self._prepare()
        await self._http.start_here()

    async def stop(self) -> None:
        """Stop serving, within a second."""
        await self._http.stop_here()
        await asyncio.to_thread(self._clean_up)

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    def __enter__(self) -> Self:
        self._prepare()
        self._http.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._http.stop()
        self._clean_up()

    def _prepare(self) -> None:
        self._http.bind()
        self.org.instance_url = self._http.url
        try:
            self._pubsub.start()
        except RuntimeError:
            self._http.stop()
            raise

    def _clean_up(self) -> None:
        self._pubsub.stop()
        if self._temporary is not None:
            self._temporary.cleanup()

    def _by_hand(self) -> Actor:
        return Actor(user_id=self._user_id, origin=UI_ORIGIN, request="ui")
