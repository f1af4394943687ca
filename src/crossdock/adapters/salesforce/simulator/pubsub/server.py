"""Serving the event bus over gRPC on loopback, with TLS or without."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import grpc

from crossdock.adapters.salesforce.pubsub_api_pb2_grpc import add_PubSubServicer_to_server
from crossdock.adapters.salesforce.simulator.org import Org
from crossdock.adapters.salesforce.simulator.pubsub.servicer import EventBus

HOST = "127.0.0.1"
CALLS_MAX = 96
_STOP_SECONDS = 0.2


class PubSubServer:
    """A gRPC server in threads of its own, so that it serves whether or not there is an event loop."""

    def __init__(
        self, org: Org, *, port: int = 0, certificate: Path | None = None, key: Path | None = None
    ) -> None:
        self._org = org
        self._wanted_port = port
        self._certificate = certificate
        self._key = key
        self._server: grpc.Server | None = None
        self._port = 0

    @property
    def target(self) -> str:
        """Host and port, as a gRPC channel wants them."""
        return f"{HOST}:{self._port}"

    def start(self) -> None:
        """Take the port and serve. Raises RuntimeError when the port is taken."""
        pool = ThreadPoolExecutor(CALLS_MAX, thread_name_prefix="pubsub")
        # Two simulators must not share a port unnoticed.
        self._server = grpc.server(pool, options=[("grpc.so_reuseport", 0)])
        add_PubSubServicer_to_server(EventBus(self._org), self._server)
        address = f"{HOST}:{self._wanted_port}"
        if self._certificate is not None and self._key is not None:
            pair = (self._key.read_bytes(), self._certificate.read_bytes())
            self._port = self._server.add_secure_port(address, grpc.ssl_server_credentials([pair]))
        else:
            self._port = self._server.add_insecure_port(address)
        self._server.start()

    def stop(self) -> None:
        """Break off every call and free the port."""
        if self._server is not None:
            self._org.log.drop_streams()
            self._server.stop(_STOP_SECONDS).wait()
            self._server = None
