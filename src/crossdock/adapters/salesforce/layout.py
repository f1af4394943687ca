"""Which fields of an order this org has, and the SELECT that reads an order whole: account, addresses, lines.

Fields that a deployment names must be there, and be seen by the integration user; a field that is silently
missing would silently change orders. Fields that depend on the org's features are read where they exist.
"""

from collections.abc import Iterable, Mapping

import msgspec

from crossdock.adapters.salesforce.settings import SalesforceSettings
from crossdock.adapters.salesforce.wire import SYSTEM, ObjectDescription
from crossdock.kit.errors import Finding, Misconfigured

OBJECTS = ("Order", "OrderItem", "Account", "Product2")

_ADDRESS = ("Street", "City", "State", "PostalCode", "Country")
_ORDER = (
    *("Id", "OrderNumber", "Status", "CreatedDate", "SystemModstamp", "TotalAmount", "AccountId", "Account.Name"),
    *(f"{role}{part}" for role in ("Billing", "Shipping") for part in _ADDRESS),
)
_ORDER_OPTIONAL = ("CurrencyIsoCode", "BillingCountryCode", "ShippingCountryCode", "Account.IsPersonAccount")
_LINE = ("Id", "Quantity", "UnitPrice", "Description")
_PARENTS = {"Account": "Account", "Product2": "Product2"}


class OrderLayout(msgspec.Struct, frozen=True):
    """`select` reads orders with their lines: append a WHERE clause."""

    select: str


def order_layout(settings: SalesforceSettings, described: Mapping[str, ObjectDescription]) -> OrderLayout:
    """The layout for this org. Raises Misconfigured with a finding for every field that is missing."""
    missing = missing_fields(settings, described)
    if missing:
        raise Misconfigured(
            f"the org lacks, or the integration user may not see: {', '.join(f.path[2:] for f in missing)}",
            code="salesforce-fields",
            system=SYSTEM,
            findings=missing,
        )
    known = _names(described)
    fields = settings.orders
    named = (fields.submitted, fields.channel, fields.brand, fields.region, fields.location)
    order = [*_ORDER, *(name for name in _ORDER_OPTIONAL if _is_known(name, "Order", known))]
    order += [*named, fields.payment_terms, fields.customer_number]
    line = [*_LINE, fields.line_product, fields.line_unit]
    lines = f"(SELECT {_listed(line)} FROM OrderItems ORDER BY Id)"  # noqa: S608 - settings check the names
    return OrderLayout(select=f"SELECT {_listed(order)}, {lines} FROM Order")  # noqa: S608 - the same


def missing_fields(settings: SalesforceSettings, described: Mapping[str, ObjectDescription]) -> list[Finding]:
    """Everything that the settings name and the org does not show; of status fields also what is not writable."""
    known = _names(described)
    fields = settings.orders
    of_order = (fields.submitted, fields.channel, fields.brand, fields.region, fields.location)
    wanted = [
        ("Order", name) for name in (*_ORDER, *of_order, fields.payment_terms, fields.customer_number) if name
    ]
    wanted += [("OrderItem", name) for name in (*_LINE, fields.line_product, fields.line_unit) if name]
    findings = [_missing(owner, name) for owner, name in wanted if not _is_known(name, owner, known)]
    if not (settings.currency or "CurrencyIsoCode" in known.get("Order", set())):
        findings.append(_missing("Order", "CurrencyIsoCode"))
    writable = {f.name for f in described["Order"].fields if f.updateable} if "Order" in described else set()
    findings += [
        Finding(code="salesforce-field-read-only", path=f"$.Order.{name}", message="missing or not writable")
        for name in settings.statuses.names()
        if name not in writable
    ]
    return findings


def _is_known(path: str, owner: str, known: Mapping[str, set[str]]) -> bool:
    """Whether a path leads to a visible field; relationships beyond the described objects are believed."""
    parent, _, rest = path.partition(".")
    if not rest:
        return path in known.get(owner, set())
    return parent not in _PARENTS or _is_known(rest, _PARENTS[parent], known)


def _names(described: Mapping[str, ObjectDescription]) -> dict[str, set[str]]:
    return {name: {field.name for field in description.fields} for name, description in described.items()}


def _missing(owner: str, name: str) -> Finding:
    return Finding(
        code="salesforce-field-missing",
        path=f"$.{owner}.{name}",
        message="the field does not exist, or the integration user may not see it",
    )


def _listed(names: Iterable[str]) -> str:
    return ", ".join(dict.fromkeys(name for name in names if name))
