"""Filling the org: what it has on its first day, and customers, products and orders as a user would enter them."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec

from crossdock.adapters.salesforce.simulator.directory import Person
from crossdock.adapters.salesforce.simulator.org import UI_ORIGIN, Actor, Org
from crossdock.adapters.salesforce.simulator.records.merging import merge
from crossdock.adapters.salesforce.simulator.records.writer import Writer
from crossdock.adapters.salesforce.simulator.tables.fields import CURRENCIES, DEFAULT_CURRENCY
from crossdock.adapters.salesforce.simulator.tables.ids import IdSequence

_DECIMAL_PLACES = {"JPY": 0}


class Line(msgspec.Struct, frozen=True):
    """A line of an order to enter: the product's code, how many, and at what price if not at the list's."""

    product: str
    quantity: float
    unit_price: float | None = None
    fields: Mapping[str, Any] = {}


def found_org(org: Org) -> str:
    """Write the rows every org has; return the id of the user who acts for the integration."""
    user_id = IdSequence().next("005")
    actor = Actor(user_id=user_id, origin=UI_ORIGIN, request="founding")
    settings = org.settings
    with org.transaction(actor, silent=True) as transaction:
        writer = Writer(org, transaction)
        created = writer.create(
            "User",
            {
                "Username": settings.username,
                "LastName": "User",
                "FirstName": "Integration",
                "Email": settings.username,
                "Alias": "integr",
                "TimeZoneSidKey": "Europe/Berlin",
                "LocaleSidKey": "en_US",
                "LanguageLocaleKey": "en_US",
                "UserType": "Standard",
            },
        )
        assert created == user_id, "the first user acts for the integration"
        for code in CURRENCIES:
            writer.create(
                "CurrencyType",
                {
                    "IsoCode": code,
                    "ConversionRate": 1,
                    "DecimalPlaces": _DECIMAL_PLACES.get(code, 2),
                    "IsActive": True,
                    "IsCorporate": code == DEFAULT_CURRENCY,
                },
            )
        stamp = org.stamp(transaction, org.schema.get("Organization"))
        organization = {
            **dict.fromkeys(org.schema.get("Organization").fields),
            "Id": org.organization_id,
            "Name": settings.organization,
            "OrganizationType": "Developer Edition",
            "InstanceName": "SIM1",
            "IsSandbox": False,
            "IsDeleted": False,
            "DefaultLocaleSidKey": "en_US",
            "LanguageLocaleKey": "en_US",
            "TimeZoneSidKey": "Europe/Berlin",
            **dict.fromkeys(("CreatedDate", "LastModifiedDate", "SystemModstamp"), stamp),
            **dict.fromkeys(("CreatedById", "LastModifiedById"), user_id),
        }
        org.store.write(org.schema.get("Organization"), org.organization_id, organization)
    org.directory.admit(Person(user_id, settings.username, settings.password))
    return user_id


class Seeder:
    """Enters rows as a user does by hand: no API request is counted, and without `announce` no event is published.

    Every method raises ApiError when the org refuses the row.
    """

    def __init__(self, org: Org, user_id: str) -> None:
        self._org = org
        self._actor = Actor(user_id=user_id, origin=UI_ORIGIN, request="ui")
        self.standard_pricebook = self._pricebook("Standard Price Book", standard=True)
        self.pricebook = self._pricebook("Retail", standard=False)

    def rows(self, sobject: str, records: Iterable[Mapping[str, Any]], *, announce: bool = False) -> list[str]:
        """Insert rows of one object in one transaction; return their ids."""
        with self._org.transaction(self._actor, silent=not announce) as transaction:
            writer = Writer(self._org, transaction)
            return [writer.create(sobject, dict(record)) for record in records]

    def account(self, number: str, name: str, *, announce: bool = False, **fields: Any) -> str:
        """A customer with the number the ERP knows it by."""
        return self.rows("Account", [{"Name": name, "ErpId__c": number, **fields}], announce=announce)[0]

    def product(
        self, code: str, name: str, prices: Mapping[str, float], *, announce: bool = False, **fields: Any
    ) -> str:
        """A product with a price per currency, in the standard price book and in the retail one."""
        record = {"Name": name, "ProductCode": code, "ErpId__c": code, "IsActive": True, **fields}
        product_id = self.rows("Product2", [record], announce=announce)[0]
        for book in (self.standard_pricebook, self.pricebook):
            entry = {"Pricebook2Id": book, "Product2Id": product_id, "IsActive": True}
            priced = [{**entry, "CurrencyIsoCode": code, "UnitPrice": price} for code, price in prices.items()]
            self.rows("PricebookEntry", priced, announce=announce)
        return product_id

    def order(
        self, account: str, lines: Sequence[Line], *, currency: str = DEFAULT_CURRENCY, announce: bool = False,
        **fields: Any,
    ) -> str:  # fmt: skip
        """An order with its lines, in one transaction; `account` is an id or the ERP's number of the customer."""
        with self._org.transaction(self._actor, silent=not announce) as transaction:
            writer = Writer(self._org, transaction)
            order = {
                "AccountId": self._account_id(account),
                "Pricebook2Id": self.pricebook,
                "CurrencyIsoCode": currency,
                "Status": "Draft",
                "EffectiveDate": self._org.now_text()[:10],
                **fields,
            }
            order_id = writer.create("Order", order)
            for line in lines:
                values: dict[str, Any] = {"OrderId": order_id, "Quantity": line.quantity, **line.fields}
                entry = self._entry(line.product, currency)
                values |= {"PricebookEntryId": entry} if entry else {"Product2Id": self._product_id(line.product)}
                if line.unit_price is not None:
                    values["UnitPrice"] = line.unit_price
                writer.create("OrderItem", values)
            return order_id

    def update(self, sobject: str, record_id: str, values: Mapping[str, Any], *, announce: bool = True) -> None:
        """Change a row by hand."""
        with self._org.transaction(self._actor, silent=not announce) as transaction:
            Writer(self._org, transaction).update(sobject, record_id, dict(values))

    def delete(self, sobject: str, record_id: str, *, announce: bool = True) -> None:
        """Delete a row by hand."""
        with self._org.transaction(self._actor, silent=not announce) as transaction:
            Writer(self._org, transaction).delete(sobject, record_id)

    def undelete(self, sobject: str, record_id: str, *, announce: bool = True) -> None:
        """Bring a row back from the recycle bin."""
        with self._org.transaction(self._actor, silent=not announce) as transaction:
            Writer(self._org, transaction).undelete(sobject, record_id)

    def empty_bin(self, sobject: str, record_id: str) -> None:
        """Remove a row from the recycle bin for good, as the vendor does by itself after 15 days."""
        with self._org.transaction(self._actor, silent=True):
            if self._org.table(sobject).rows[record_id]["IsDeleted"]:
                self._org.store.write(self._org.schema.get(sobject), record_id, None)

    def person(self, last_name: str, *, announce: bool = False, **fields: Any) -> str:
        """A customer who is one person: a person account."""
        return self.rows("Account", [{"LastName": last_name, **fields}], announce=announce)[0]

    def merge(self, sobject: str, master: str, *losers: str, announce: bool = True, **values: Any) -> None:
        """Merge one or two rows into `master` by hand."""
        with self._org.transaction(self._actor, silent=not announce) as transaction:
            merge(self._org, transaction, sobject, master, losers, values)

    def publish(self, event: str, values: Mapping[str, Any]) -> str:
        """Publish a platform event; return its uuid."""
        return self.rows(event, [values], announce=True)[0]

    def _pricebook(self, name: str, *, standard: bool) -> str:
        book_id = self.rows("Pricebook2", [{"Name": name, "IsActive": True}])[0]
        if standard:
            with self._org.transaction(self._actor, silent=True):
                row = self._org.table("Pricebook2").rows[book_id]
                self._org.store.write(self._org.schema.get("Pricebook2"), book_id, {**row, "IsStandard": True})
        return book_id

    def _account_id(self, account: str) -> str:
        found = self._org.table("Account").matching("ErpId__c", account)
        return found[0] if found else account

    def _product_id(self, code: str) -> str | None:
        found = self._org.table("Product2").matching("ErpId__c", code)
        return found[0] if found else None

    def _entry(self, code: str, currency: str) -> str | None:
        """The retail price of a product in a currency, if it has one."""
        product_id = self._product_id(code)
        entries = self._org.table("PricebookEntry")
        for entry_id in entries.matching("Product2Id", product_id) if product_id else []:
            entry = entries.rows[entry_id]
            if entry["Pricebook2Id"] == self.pricebook and entry["CurrencyIsoCode"] == currency:
                return entry_id
        return None
