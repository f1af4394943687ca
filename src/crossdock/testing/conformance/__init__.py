"""The conformance suite: one class per role, all rules on by default, exemptions only by `quality.yaml`.

An author's test module has one class per role, which inherits the role's suite and overrides the fixtures
`manifest`, `bench` and `settings` (and `estate` where the system knows other customers and products).
"""

import pytest

_MODULES = (
    "address_validator",
    "customer_sink",
    "customer_source",
    "dock",
    "directories",
    "event_sink",
    "manners",
    "order_gateway",
    "order_source",
    "status_sink",
    "suite",
)
pytest.register_assert_rewrite(*(f"{__name__}.{module}" for module in _MODULES))

from crossdock.testing.conformance.address_validator import AddressValidatorConformance
from crossdock.testing.conformance.customer_sink import CustomerSinkConformance
from crossdock.testing.conformance.customer_source import CustomerSourceConformance
from crossdock.testing.conformance.directories import (
    CustomerDirectoryConformance,
    PriceSourceConformance,
    ProductSourceConformance,
    StockSourceConformance,
)
from crossdock.testing.conformance.dock import SUITES, DockConformance
from crossdock.testing.conformance.event_sink import EventSinkConformance
from crossdock.testing.conformance.order_gateway import OrderGatewayConformance
from crossdock.testing.conformance.order_source import OrderSourceConformance
from crossdock.testing.conformance.status_sink import StatusSinkConformance
from crossdock.testing.conformance.suite import Conformance, rules

__all__ = [
    "SUITES",
    "AddressValidatorConformance",
    "Conformance",
    "CustomerDirectoryConformance",
    "CustomerSinkConformance",
    "CustomerSourceConformance",
    "DockConformance",
    "EventSinkConformance",
    "OrderGatewayConformance",
    "OrderSourceConformance",
    "PriceSourceConformance",
    "ProductSourceConformance",
    "StatusSinkConformance",
    "StockSourceConformance",
    "rules",
]
