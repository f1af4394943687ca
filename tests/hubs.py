"""A whole hub for tests: SQLite in a folder, a memory ERP in this process, every part of it real."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TypeVar

from crossdock.adapters.memory.simulator.server import share_surface
from crossdock.adapters.memory.simulator.surface import Surface
from crossdock.bootstrap.adapters import find_manifests
from crossdock.bootstrap.deployment import (
    Deployment,
    HttpSettings,
    HubSettings,
    Policies,
    Routes,
    SystemEntry,
    check_deployment,
)
from crossdock.bootstrap.hub import Hub
from crossdock.identity.golden.canary import CanaryRules
from crossdock.identity.golden.ownership import Ownership
from crossdock.kit.redaction import Secret
from crossdock.policies.customer_onboarding import OnboardingRules
from crossdock.policies.order_acceptance import AcceptanceRules
from crossdock.ports.manifest import Limits

T = TypeVar("T")


def a_deployment(
    folder: Path,
    ledger: str,
    *,
    store: str = "",
    sources: bool = False,
    token: str = "",
    check_prices: bool = False,
    ownership: Ownership | None = None,
    onboarding: OnboardingRules | None = None,
    canaries: Mapping[str, CanaryRules] | None = None,
) -> Deployment:
    """One memory ERP named `erp`, which also shows statuses and, with `sources`, captures orders."""
    limits = Limits(in_flight_max=32, batch_max=200, linger_seconds=0.01)
    parts = {
        "hub": HubSettings(
            store=store or "sqlite:hub.sqlite", http=HttpSettings(token=Secret(token) if token else None)
        ),
        "systems": {"erp": SystemEntry(adapter="memory", settings={"ledger": ledger}, limits=limits)},
        "routes": Routes(erp="erp", status_sinks=("erp",), order_sources=("erp",) if sources else ()),
        "policies": Policies(
            acceptance=AcceptanceRules(check_prices=check_prices), onboarding=onboarding, canaries=canaries or {}
        ),
        "ownership": ownership,
    }
    return check_deployment(parts, find_manifests(), folder)


@asynccontextmanager
async def a_hub(
    folder: Path,
    *,
    store: str = "",
    sources: bool = False,
    token: str = "",
    check_prices: bool = False,
    works: bool = True,
    ownership: Ownership | None = None,
    onboarding: OnboardingRules | None = None,
    canaries: Mapping[str, CanaryRules] | None = None,
) -> AsyncIterator[tuple[Hub, Surface]]:
    """An open hub and its ERP; it takes up work unless told otherwise."""
    ledger, surface = uuid.uuid4().hex, Surface()
    share_surface(ledger, surface)
    deployment = a_deployment(
        folder,
        ledger,
        store=store,
        sources=sources,
        token=token,
        check_prices=check_prices,
        ownership=ownership,
        onboarding=onboarding,
        canaries=canaries,
    )
    try:
        async with Hub(deployment) as hub:
            if works:
                await hub.run()
                await hub.load_stock()
            yield hub, surface
    finally:
        share_surface(ledger, None)


async def eventually(ask: Callable[[], Awaitable[T]], *, within_seconds: float = 20.0) -> T:
    """The first truthy answer of `ask`, which is asked again and again; fails when there is none in time."""
    async with asyncio.timeout(within_seconds):
        while not (answer := await ask()):  # noqa: ASYNC110 - what is waited for has no event
            await asyncio.sleep(0.02)
        return answer
