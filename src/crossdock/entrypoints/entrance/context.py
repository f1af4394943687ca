"""What handlers work with: the hub, and what the entrance adds to it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from litestar import Request
from litestar.di import NamedDependency

from crossdock.bootstrap.hub import Hub
from crossdock.entrypoints.entrance.access import Access
from crossdock.entrypoints.entrance.governance import RoutePolicy
from crossdock.entrypoints.entrance.rate import Limiter
from crossdock.entrypoints.entrance.request_figures import RequestFigures
from crossdock.entrypoints.entrance.tail import Tail
from crossdock.entrypoints.entrance.taking import Taking

Asked = Request[Any, Any, Any]


@dataclass(frozen=True)
class Entrance:
    """One per application."""

    hub: Hub
    access: Access
    limiter: Limiter
    tail: Tail
    taking: Taking
    figures: RequestFigures
    policies: Mapping[str, RoutePolicy]

    @property
    def sinks(self) -> Mapping[str, str]:
        """What people call the systems that show statuses, by name."""
        deployment = self.hub.deployment
        return {name: deployment.title_of(name) for name in deployment.routes.status_sinks}


Here = NamedDependency[Entrance]
"""The entrance, as handlers are given it under the name `entrance`."""


def open_entrance(hub: Hub, policies: Mapping[str, RoutePolicy], store_wait_seconds: float) -> Entrance:
    """The entrance of a hub."""
    http = hub.deployment.hub.http
    return Entrance(
        hub=hub,
        access=Access(http.token, http.host, hub.clock),
        limiter=Limiter(hub.clock),
        tail=Tail(hub.store),
        taking=Taking(hub, wait_seconds=store_wait_seconds),
        figures=RequestFigures(),
        policies=policies,
    )
