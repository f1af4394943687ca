"""The manifest: what a dock can do, within which limits, and where its parts are found."""

from collections.abc import Callable, Mapping
from enum import StrEnum
from importlib import import_module
from typing import Annotated, Any, Protocol

import msgspec
from msgspec import Meta

from crossdock.kit.clock import Clock
from crossdock.kit.errors import Misconfigured
from crossdock.kit.redaction import Secret
from crossdock.ports.customer_sink import JoinedHow


class Role(StrEnum):
    """The roles a dock can take; each one is a Protocol in this room."""

    ORDER_GATEWAY = "order_gateway"
    ORDER_SOURCE = "order_source"
    STATUS_SINK = "status_sink"
    EVENT_SINK = "event_sink"
    CUSTOMER_DIRECTORY = "customer_directory"
    PRODUCT_SOURCE = "product_source"
    PRICE_SOURCE = "price_source"
    STOCK_SOURCE = "stock_source"
    CUSTOMER_SOURCE = "customer_source"
    CUSTOMER_SINK = "customer_sink"
    ADDRESS_VALIDATOR = "address_validator"


ROLE_METHODS: Mapping[Role, tuple[str, ...]] = {
    Role.ORDER_GATEWAY: ("submit_order", "find_order", "cancel_order", "read_changes"),
    Role.ORDER_SOURCE: ("arrivals", "refill", "count_changed"),
    Role.STATUS_SINK: ("report_statuses",),
    Role.EVENT_SINK: ("publish_events",),
    Role.CUSTOMER_DIRECTORY: ("find_customers",),
    Role.PRODUCT_SOURCE: ("find_products", "list_products"),
    Role.PRICE_SOURCE: ("find_prices",),
    Role.STOCK_SOURCE: ("read_stock",),
    Role.CUSTOMER_SOURCE: ("customer_changes", "refill_customers", "count_changed_customers"),
    Role.CUSTOMER_SINK: (
        *("write_customers", "read_customers", "find_customer"),
        *("join_customers", "part_customers", "list_belongings", "return_belongings"),
        "erase_customer",
    ),
    Role.ADDRESS_VALIDATOR: ("validate_addresses",),
}


class Limits(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How much the target system bears, over all workers together; a deployment may lower or raise each.

    `rate_per_second` 0 and `daily_budget` 0 mean: no limit of that kind is known.
    """

    in_flight_max: Annotated[int, Meta(ge=1)] = 10
    rate_per_second: Annotated[float, Meta(ge=0)] = 0.0
    daily_budget: Annotated[int, Meta(ge=0)] = 0
    batch_max: Annotated[int, Meta(ge=1)] = 1
    linger_seconds: Annotated[float, Meta(ge=0)] = 0.0


class Tier(StrEnum):
    """On what an adapter was proved to keep the rules of the conformance suite."""

    REAL_SYSTEM = "real system"
    SIMULATOR = "simulator"
    REFERENCE = "reference"
    """It has no vendor: it shows what the rules mean."""


class SystemCheck(msgspec.Struct, frozen=True, kw_only=True):
    """The answer of a system that was asked how it is: name, version, and whether we may do our work."""

    ok: bool
    product: str
    detail: str


class Dock(Protocol):
    """A connected system. Besides these it has the methods of each role its manifest declares."""

    async def open(self) -> None:
        """Connect and sign in. Raises Misconfigured, NotAuthorized or Unavailable."""
        ...

    async def close(self) -> None:
        """Let go of every connection; closing twice is fine."""
        ...

    async def check(self) -> SystemCheck:
        """Ask the system for its version and whether the credentials suffice. Never raises for an answer."""
        ...


Progress = Callable[[str, int, int], None]
"""Called with what is being done, and how many of how many steps are done."""


class LocalSystem(Protocol):
    """A system that the product can start on this machine: a simulator, or a real ERP for tests and demo."""

    async def start(self, progress: Progress | None = None) -> Mapping[str, Any]:
        """Start and return the settings with which the dock connects to it."""
        ...

    async def stop(self) -> None:
        """Stop it; stopping twice is fine."""
        ...


class AdapterManifest(msgspec.Struct, frozen=True, kw_only=True):
    """All that the hub knows about a dock before it opens it.

    `settings`, `dock` and `local` are import references (`"package.module:Name"`), so that reading a manifest
    loads no vendor library. `settings` is a msgspec Struct; `dock` is called as `dock(settings, clock)`.
    `local` is a LocalSystem class that is called with the keyword arguments its README names, if there is one.
    `outcome_settles_seconds`: after so long, a write whose answer was lost has either landed or never will.
    `unique_reference`: the system itself refuses a second order under the same key. `joins`: what its
    `join_customers` can do about two records of one customer.
    """

    name: str
    title: str
    tested_versions: tuple[str, ...]
    roles: frozenset[Role]
    settings: str
    dock: str
    local: str = ""
    limits: Limits = Limits()
    outcome_settles_seconds: float = 60.0
    unique_reference: bool = False
    joins: frozenset[JoinedHow] = frozenset()
    tier: Tier = Tier.SIMULATOR
    documentation: str = ""

    def load_settings(self, values: Mapping[str, Any]) -> Any:
        """The settings Struct from plain values. Raises msgspec.ValidationError with the path of the fault."""
        return msgspec.convert(values, resolve(self.settings), dec_hook=_secret)

    def make_dock(self, settings: object, clock: Clock) -> Any:
        """The dock, not yet open."""
        return resolve(self.dock)(settings, clock)


def _secret(kind: type, value: Any) -> Any:
    if kind is not Secret:
        raise NotImplementedError(f"{kind.__name__} is not a type of settings")
    if not isinstance(value, str | Secret):
        raise TypeError("a credential is a text")
    return value if isinstance(value, Secret) else Secret(value)


def resolve(reference: str) -> Any:
    """The object behind `"package.module:Name"`. Raises Misconfigured where it does not exist."""
    module, _, name = reference.partition(":")
    try:
        return getattr(import_module(module), name)
    except (ImportError, AttributeError) as error:
        raise Misconfigured(f"{reference} cannot be loaded: {error}", code="adapter-not-loadable") from error
