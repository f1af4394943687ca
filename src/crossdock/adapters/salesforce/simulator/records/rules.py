"""What standard objects demand of a row beyond its metadata: orders, their items, prices, people, cases."""

from collections.abc import Callable
from typing import Any

from crossdock.adapters.salesforce.simulator.failures import ApiError
from crossdock.adapters.salesforce.simulator.org import Org
from crossdock.adapters.salesforce.simulator.records import relations
from crossdock.adapters.salesforce.simulator.records.coercion import product_of, rounded_money
from crossdock.adapters.salesforce.simulator.tables.store import Row

BeforeSave = Callable[[Org, Row | None, Row], None]
LOCKED_WHEN_ACTIVE = frozenset({"AccountId", "Pricebook2Id", "CurrencyIsoCode", "EffectiveDate"})
ITEM_LOCKED_WHEN_ACTIVE = frozenset({"Quantity", "UnitPrice"})


def before_save(org: Org, sobject: str, before: Row | None, row: Row) -> None:
    """Complete and check a row that is about to be written. Raises ApiError."""
    rule = _BEFORE_SAVE.get(sobject)
    if rule is not None:
        rule(org, before, row)


def before_delete(org: Org, sobject: str, row: Row) -> None:
    """Check that a row may be deleted. Raises ApiError."""
    if sobject == "OrderItem":
        _refuse_on_active_order(org, row, "delete")
    if sobject == "Order" and row["Status"] == "Activated":
        raise ApiError(
            "DELETE_FAILED", "Activated orders can't be deleted. Deactivate the order first.", fields=[]
        )
    if sobject == "Pricebook2" and row["IsStandard"]:
        raise ApiError("INSUFFICIENT_ACCESS_OR_READONLY", "the standard price book can't be deleted", fields=[])


def after_save(org: Org, sobject: str, row: Row) -> list[tuple[str, str, dict[str, Any]]]:
    """Derived values other rows get because of this one: object, id, values. They announce no change."""
    if sobject != "OrderItem":
        return []
    items = org.table("OrderItem")
    total = sum((items.rows[item]["TotalPrice"] or 0.0 for item in items.matching("OrderId", row["OrderId"])), 0.0)
    return [("Order", row["OrderId"], {"TotalAmount": rounded_money(total)})]


def _integrity(message: str, *fields: str) -> ApiError:
    return ApiError("FIELD_INTEGRITY_EXCEPTION", message, fields=fields)


def _order(org: Org, before: Row | None, row: Row) -> None:
    if before is None and row["Status"] != "Draft":
        raise ApiError("FAILED_ACTIVATION", "An order must be created with a status of Draft.", fields=["Status"])
    if row["EndDate"] and row["EndDate"] < row["EffectiveDate"]:
        raise _integrity("End Date: The order end date can't be before the order start date.", "EndDate")
    row["TotalAmount"] = row["TotalAmount"] or 0.0
    row["StatusCode"] = row["Status"]
    if before is None:
        return
    was_active = before["Status"] == "Activated"
    changed = {name for name in row if row[name] != before.get(name)}
    locked = sorted(changed & LOCKED_WHEN_ACTIVE) if was_active and row["Status"] == "Activated" else []
    if locked:
        raise _integrity(f"Activated orders can't be changed: {', '.join(locked)}", *locked)
    items = org.table("OrderItem").matching("OrderId", row["Id"])
    if items and changed & {"Pricebook2Id", "CurrencyIsoCode"}:
        raise _integrity(
            "The price book or currency can't be changed while the order has products.", "Pricebook2Id"
        )
    if row["Status"] == "Activated" and not was_active:
        if not items:
            raise ApiError("FAILED_ACTIVATION", "An order must have at least one product.", fields=[])
        row["ActivatedDate"] = row["LastModifiedDate"]
        row["ActivatedById"] = row["LastModifiedById"]


def _order_item(org: Org, before: Row | None, row: Row) -> None:
    order = org.table("Order").live(row["OrderId"])
    assert order is not None, "references were checked"
    if before is None:
        _refuse_on_active_order(org, row, "add")
        _price_item(org, order, row)
    elif any(row[name] != before[name] for name in ITEM_LOCKED_WHEN_ACTIVE):
        _refuse_on_active_order(org, row, "change")
    if row["Quantity"] <= 0 and not order["IsReductionOrder"]:
        raise _integrity("Quantity: Quantity must be greater than zero.", "Quantity")
    row["TotalPrice"] = product_of(row["Quantity"], row["UnitPrice"])
    row["AvailableQuantity"] = row["Quantity"]


def _refuse_on_active_order(org: Org, item: Row, verb: str) -> None:
    order = org.table("Order").live(item["OrderId"])
    if order is not None and order["Status"] == "Activated":
        raise _integrity(f"You can't {verb} order products on an activated order.")


def _price_item(org: Org, order: Row, row: Row) -> None:
    """Find the price book entry and product of a new item, and its price where the caller gave none."""
    if row["PricebookEntryId"] is not None:
        entry = org.table("PricebookEntry").live(row["PricebookEntryId"])
        assert entry is not None, "references were checked"
        if order["Pricebook2Id"] is None:
            raise _integrity("Pricebook Id: The order has no price book.", "PricebookEntryId")
        if entry["Pricebook2Id"] != order["Pricebook2Id"]:
            raise _integrity(
                "The pricebook entry is in a different pricebook than the one assigned to the order",
                "PricebookEntryId",
            )
        if entry["CurrencyIsoCode"] != order["CurrencyIsoCode"]:
            raise _integrity(
                "The pricebook entry currency code does not match the order currency code", "PricebookEntryId"
            )
        row["Product2Id"] = entry["Product2Id"]
        row["ListPrice"] = entry["UnitPrice"]
        row["UnitPrice"] = entry["UnitPrice"] if row["UnitPrice"] is None else row["UnitPrice"]
    elif row["Product2Id"] is None:
        raise ApiError(
            "REQUIRED_FIELD_MISSING",
            "Required fields are missing: [PricebookEntryId]",
            fields=["PricebookEntryId"],
        )
    if row["UnitPrice"] is None:
        raise ApiError("REQUIRED_FIELD_MISSING", "Required fields are missing: [UnitPrice]", fields=["UnitPrice"])
    row["CurrencyIsoCode"] = order["CurrencyIsoCode"]


def _pricebook_entry(org: Org, before: Row | None, row: Row) -> None:
    product = org.table("Product2").live(row["Product2Id"])
    assert product is not None, "references were checked"
    row["Name"], row["ProductCode"] = product["Name"], product["ProductCode"]
    if before is not None:
        return
    entries = org.table("PricebookEntry")
    same_product = [entries.rows[entry] for entry in entries.matching("Product2Id", row["Product2Id"])]
    same_currency = [entry for entry in same_product if entry["CurrencyIsoCode"] == row["CurrencyIsoCode"]]
    if any(entry["Pricebook2Id"] == row["Pricebook2Id"] for entry in same_currency):
        raise ApiError("DUPLICATE_VALUE", "This price definition already exists in this price book", fields=[])
    book = org.table("Pricebook2").rows[row["Pricebook2Id"]]
    books = org.table("Pricebook2").rows
    if not book["IsStandard"] and not any(books[entry["Pricebook2Id"]]["IsStandard"] for entry in same_currency):
        raise ApiError(
            "STANDARD_PRICE_NOT_DEFINED", "Before creating a custom price, create a standard price.", fields=[]
        )


def _person(_org: Org, _before: Row | None, row: Row) -> None:
    row["Name"] = " ".join(part for part in (row["FirstName"], row["LastName"]) if part)


def _contact_point(_org: Org, _before: Row | None, row: Row) -> None:
    row["Name"] = row["EmailAddress"] if "EmailAddress" in row else row["TelephoneNumber"]


def _case(_org: Org, before: Row | None, row: Row) -> None:
    row["IsClosed"] = row["Status"] == "Closed"
    was_closed = before is not None and before["IsClosed"]
    if row["IsClosed"] and not was_closed:
        row["ClosedDate"] = row["LastModifiedDate"]
    elif not row["IsClosed"]:
        row["ClosedDate"] = None


_BEFORE_SAVE: dict[str, BeforeSave] = {
    "Order": _order,
    "OrderItem": _order_item,
    "PricebookEntry": _pricebook_entry,
    "Contact": _person,
    "User": _person,
    "Individual": _person,
    "Case": _case,
    relations.RELATION: relations.check,
    "ContactPointEmail": _contact_point,
    "ContactPointPhone": _contact_point,
}
