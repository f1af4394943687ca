"""Seeds an empty Tryton with the estate, through the same JSON-RPC that everybody uses.

The steps run in order, once, on a database that was just created; whoever finds one half seeded drops it.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from crossdock.adapters.tryton.client import TrytonClient
from crossdock.adapters.tryton.local import estate
from crossdock.adapters.tryton.mapping import UNITS
from crossdock.kit.redaction import Secret

HUB_USER = "hub"
MODULES = ("sale", "sale_price_list", "sale_credit_limit", "account_invoice_stock", "party_relationship")

# The universal chart's accounts by what this retailer uses them for.
_ACCOUNTS = {
    "receivable": "1.2.1",
    "payable": "2.1.1",
    "tax": "2.2.3",
    "revenue": "4.1.1",
    "expense": "5.2.1",
}
# Years for which invoices can be posted, counted from the year of seeding.
_FISCAL_YEARS_BEFORE = 1
_FISCAL_YEARS_AFTER = 5

_FULL = {"perm_read": True, "perm_write": True, "perm_create": True, "perm_delete": True}
_READ = {"perm_read": True, "perm_write": False, "perm_create": False, "perm_delete": False}
_EDIT = {"perm_read": True, "perm_write": True, "perm_create": True, "perm_delete": False}
# Tryton lets every user edit and delete parties as long as no access is declared for them.
_PARTY_MODELS = (
    "party.party",
    "party.address",
    "party.contact_mechanism",
    "party.identifier",
    "party.relation",
)
_HUB_RIGHTS: Mapping[str, Mapping[str, bool]] = {
    "sale.sale": _EDIT,
    "party.party": _EDIT,
    "party.address": _EDIT,
    "party.contact_mechanism": _EDIT,
    "party.identifier": _EDIT,
    "party.relation": _EDIT,
    "res.user.warning": _EDIT,
    "stock.shipment.out": _READ,
    "stock.shipment.out.return": _READ,
    "stock.move": _READ,
    "account.invoice": _READ,
    "account.invoice.line": _READ,
}
# Buttons the hub presses on what it may otherwise only read, and the group that they belonged to before.
_HUB_BUTTONS = (
    ("sale.sale", "process", "Sales Administrator"),
    ("stock.shipment.out", "cancel", "Stock"),
    ("account.invoice", "cancel", "Accounting"),
)

Progress = Callable[[int, int], None]
Step = Callable[["Seeding"], Awaitable[None]]


class Seeding:
    """One run over the steps; what a step creates is found by later ones under its code."""

    def __init__(self, client: TrytonClient, today: date, hub_password: Secret) -> None:
        self.client = client
        self.today = today
        self.hub_password = hub_password
        self.company = 0
        self.ids: dict[tuple[str, str], int] = {}

    @property
    def context(self) -> Mapping[str, Any]:
        """What the administrator's preferences lack until the company exists."""
        return {"company": self.company} if self.company else {}

    async def create(self, model: str, rows: Mapping[str, Mapping[str, Any]]) -> None:
        """Create `rows` and remember each under its code."""
        created = await self.client.create(model, list(rows.values()), context=self.context)
        self.ids |= {(model, code): row for code, row in zip(rows, created, strict=True)}

    async def write(self, model: str, row: int, values: Mapping[str, Any]) -> None:
        """Set `values` on one record."""
        await self.client.write(model, [row], values, context=self.context)

    async def find(self, model: str, *domain: Any) -> int:
        """The id of the one record that matches."""
        rows = await self.client.search_read(model, domain, ["id"], rows_max=2, context=self.context)
        if len(rows) != 1:
            raise RuntimeError(f"{len(rows)} records of {model} match {domain}")
        return int(rows[0]["id"])

    async def wizard(self, name: str, *states: tuple[str, Mapping[str, Any]]) -> None:
        """Run a wizard through `states` (state, its form's values)."""
        session, _, _ = await self.client.command(f"wizard.{name}.create", context=self.context)
        for state, data in states:
            await self.client.command(f"wizard.{name}.execute", session, data, state, context=self.context)
        await self.client.command(f"wizard.{name}.delete", session, context=self.context)

    async def press(self, model: str, button: str, row: int) -> None:
        """Press a button in the company's context."""
        await self.client.command(f"model.{model}.{button}", [row], context=self.context)


async def seed(client: TrytonClient, *, today: date, hub_password: Secret, progress: Progress) -> None:
    """Seed the estate as the administrator who is signed in to `client`."""
    seeding = Seeding(client, today, hub_password)
    for done, step in enumerate(_STEPS):
        progress(done, len(_STEPS))
        await step(seeding)
    progress(len(_STEPS), len(_STEPS))


async def _currencies(seeding: Seeding) -> None:
    first = date(seeding.today.year - _FISCAL_YEARS_BEFORE, 1, 1)
    await seeding.create(
        "currency.currency",
        {
            code: {"name": code, "code": code, "rates": [["create", [{"date": first, "rate": rate}]]]}
            for code, rate in estate.RATES.items()
        },
    )
    await seeding.create(
        "country.country", {code: {"name": name, "code": code} for code, name in estate.COUNTRIES.items()}
    )


async def _company(seeding: Seeding) -> None:
    country = seeding.ids["country.country", "DE"]
    address = {
        "street_unstructured": "Hafenstraße 1",
        "postal_code": "10245",
        "city": "Berlin",
        "country": country,
    }
    await seeding.create(
        "party.party",
        {"company": {"name": estate.COMPANY_NAME, "code": "COMPANY", "addresses": [["create", [address]]]}},
    )
    currency = seeding.ids["currency.currency", estate.COMPANY_CURRENCY]
    await seeding.create(
        "company.company", {"": {"party": seeding.ids["party.party", "company"], "currency": currency}}
    )
    seeding.company = seeding.ids["company.company", ""]
    admin = await seeding.find("res.user", ("login", "=", "admin"))
    await seeding.write("res.user", admin, {"companies": [["add", [seeding.company]]], "company": seeding.company})


async def _chart_of_accounts(seeding: Seeding) -> None:
    template = await seeding.find(
        "account.account.template", ("parent", "=", None), ("name", "ilike", "%universal%")
    )
    await seeding.wizard(
        "account.create_chart",
        ("create_account", {"account": {"company": seeding.company, "account_template": template}}),
    )
    for use, code in _ACCOUNTS.items():
        seeding.ids["account.account", use] = await seeding.find("account.account", ("code", "=", code))
    await seeding.write(
        "account.configuration",
        1,
        {
            "default_account_receivable": seeding.ids["account.account", "receivable"],
            "default_account_payable": seeding.ids["account.account", "payable"],
            "default_category_account_revenue": seeding.ids["account.account", "revenue"],
            "default_category_account_expense": seeding.ids["account.account", "expense"],
        },
    )


async def _fiscal_years(seeding: Seeding) -> None:
    first, last = seeding.today.year - _FISCAL_YEARS_BEFORE, seeding.today.year + _FISCAL_YEARS_AFTER
    years = [str(year) for year in range(first, last + 1)]
    moves = await seeding.find("ir.sequence.type", ("name", "=", "Account Move"))
    invoices = await seeding.find("ir.sequence.type", ("name", "=", "Invoice"))
    company = {"company": seeding.company}
    sequences = {year: {"name": f"Moves {year}", "sequence_type": moves, **company} for year in years}
    sequences["invoice"] = {"name": "Invoices", "sequence_type": invoices, "prefix": "INV", **company}
    await seeding.create("ir.sequence.strict", sequences)
    uses = ("in_invoice", "in_credit_note", "out_invoice", "out_credit_note")
    numbering = {f"{use}_sequence": seeding.ids["ir.sequence.strict", "invoice"] for use in uses} | company
    await seeding.create(
        "account.fiscalyear",
        {
            year: {
                "name": year,
                "start_date": date(int(year), 1, 1),
                "end_date": date(int(year), 12, 31),
                "move_sequence": seeding.ids["ir.sequence.strict", year],
                "invoice_sequences": [["create", [numbering]]],
                **company,
            }
            for year in years
        },
    )
    for year in years:  # one by one: more periods in one statement are more than SQLite's parser takes
        await seeding.press("account.fiscalyear", "create_period", seeding.ids["account.fiscalyear", year])


async def _taxes(seeding: Seeding) -> None:
    account = seeding.ids["account.account", "tax"]
    await seeding.create(
        "account.tax",
        {
            "vat": {
                "name": estate.VAT_NAME,
                "description": estate.VAT_NAME,
                "type": "percentage",
                "rate": estate.VAT_RATE,
                "invoice_account": account,
                "credit_note_account": account,
                "company": seeding.company,
            }
        },
    )
    # Sales outside the union carry no tax: the rule maps the tax to nothing.
    line = {"origin_tax": seeding.ids["account.tax", "vat"], "tax": None}
    await seeding.create(
        "account.tax.rule",
        {"export": {"name": "Export", "kind": "sale", "company": seeding.company, "lines": [["create", [line]]]}},
    )


async def _payment_terms(seeding: Seeding) -> None:
    days = {estate.PAYMENT_TERM_ORGANISATION: 30, estate.PAYMENT_TERM_PERSON: 0}
    await seeding.create(
        "account.invoice.payment_term",
        {
            name: {
                "name": name,
                "lines": [["create", [{"type": "remainder", "relativedeltas": [["create", [{"days": count}]]]}]]],
            }
            for name, count in days.items()
        },
    )


async def _products(seeding: Seeding) -> None:
    await seeding.create(
        "product.category",
        {
            "accounting": {
                "name": "Goods",
                "accounting": True,
                "account_revenue": seeding.ids["account.account", "revenue"],
                "account_expense": seeding.ids["account.account", "expense"],
                "customer_taxes": [["add", [seeding.ids["account.tax", "vat"]]]],
            }
        }
        | {name: {"name": name} for name in {product.category: None for product in estate.PRODUCTS}},
    )
    for code in {product.unit for product in estate.PRODUCTS}:
        seeding.ids["product.uom", code] = await seeding.find("product.uom", ("symbol", "=", UNITS[code]))
    for code, decimals in estate.UNIT_DECIMALS.items():
        step = 10.0**-decimals
        await seeding.write(
            "product.uom", seeding.ids["product.uom", code], {"digits": decimals, "rounding": step}
        )
    await seeding.create(
        "product.template", {product.code: _template(seeding, product) for product in estate.PRODUCTS}
    )
    rows = await seeding.client.search_read(
        "product.product", [("active", "in", [True, False])], ["code"], context=seeding.context
    )
    seeding.ids |= {("product.product", row["code"]): row["id"] for row in rows}


def _template(seeding: Seeding, product: estate.Product) -> dict[str, Any]:
    unit = seeding.ids["product.uom", product.unit]
    return {
        "name": product.name,
        "code": product.code,
        "type": "goods",
        "default_uom": unit,
        "list_price": product.list_price,
        "salable": product.state != "not_for_sale",
        "sale_uom": unit,
        # Without a lead time Tryton plans the shipment for the end of time.
        "lead_time": timedelta(),
        "account_category": seeding.ids["product.category", "accounting"],
        "categories": [["add", [seeding.ids["product.category", product.category]]]],
        "products": [["create", [{"cost_price": product.list_price / 2}]]],
    }


async def _price_lists(seeding: Seeding) -> None:
    formulas = {
        estate.PRICE_LIST_RETAIL: [{"formula": "unit_price"}],
        estate.PRICE_LIST_TRADE: [
            {"sequence": place, "quantity": float(least), "formula": f"unit_price * Decimal('{share}')"}
            for place, (least, share) in enumerate(estate.TRADE_BREAKS)
        ],
    }
    await seeding.create(
        "product.price_list",
        {
            name: {
                "name": name,
                "company": seeding.company,
                "price": "list_price",
                "unit": "product_sale",
                "lines": [["create", lines]],
            }
            for name, lines in formulas.items()
        },
    )


async def _warehouses(seeding: Seeding) -> None:
    delivered = await seeding.find("stock.location", ("type", "=", "warehouse"))
    lost = await seeding.find("stock.location", ("type", "=", "lost_found"))
    company = seeding.ids["party.party", "company"]
    await seeding.create(
        "party.address",
        {
            place.code: {"party": company, "party_name": place.name, "city": place.name}
            for place in estate.WAREHOUSES
        },
    )
    for warehouse in estate.WAREHOUSES:
        values: dict[str, Any] = {
            "name": warehouse.name,
            "code": warehouse.code,
            "address": seeding.ids["party.address", warehouse.code],
            "allow_pickup": True,
            "lost_found_location": lost,
        }
        if warehouse is estate.WAREHOUSES[0]:  # the one that Tryton is delivered with, and its default
            await seeding.write("stock.location", delivered, values)
            seeding.ids["stock.location", warehouse.code] = delivered
            continue
        zones = {zone: f"{warehouse.code}-{zone.upper()}" for zone in ("input", "output", "storage")}
        await seeding.create(
            "stock.location", {code: {"name": code, "code": code, "type": "storage"} for code in zones.values()}
        )
        values |= {f"{zone}_location": seeding.ids["stock.location", code] for zone, code in zones.items()}
        await seeding.create("stock.location", {warehouse.code: {"type": "warehouse", **values}})


async def _stock(seeding: Seeding) -> None:
    for warehouse in estate.WAREHOUSES:
        place = seeding.ids["stock.location", warehouse.code]
        rows = await seeding.client.read("stock.location", [place], ["storage_location"], context=seeding.context)
        lines = [
            {"product": seeding.ids["product.product", product.code], "quantity": float(quantity)}
            for product in estate.PRODUCTS
            if (quantity := product.stock[warehouse.code])
        ]
        inventory = {
            "location": rows[0]["storage_location"],
            "company": seeding.company,
            "empty_quantity": "keep",
            "lines": [["create", lines]],
        }
        await seeding.create("stock.inventory", {warehouse.code: inventory})
        await seeding.press("stock.inventory", "confirm", seeding.ids["stock.inventory", warehouse.code])
    gone = [product.code for product in estate.PRODUCTS if product.state == "discontinued"]
    for model in ("product.template", "product.product"):
        ids = [seeding.ids[model, code] for code in gone]
        await seeding.client.write(model, ids, {"active": False}, context=seeding.context)


async def _customers(seeding: Seeding) -> None:
    for name in ("organisation", "person"):
        await seeding.create("party.category", {name: {"name": name.capitalize()}})
    await seeding.create("party.relation.type", {"contact": {"name": "Contact of"}})
    await seeding.create(
        "party.party", {customer.number: _party(seeding, customer) for customer in estate.CUSTOMERS}
    )


def _party(seeding: Seeding, customer: estate.Customer) -> dict[str, Any]:
    mechanisms = [{"type": "email", "value": customer.email}]
    if customer.phone:
        mechanisms.append({"type": "phone", "value": customer.phone})
    address = {
        "street_unstructured": customer.street,
        "postal_code": customer.postal_code,
        "city": customer.city,
        "country": seeding.ids["country.country", customer.country],
        "invoice": True,
        "delivery": True,
    }
    export = customer.country in estate.EXPORT_COUNTRIES
    return {
        "code": customer.number,
        "name": customer.name,
        "active": customer.state != "closed",
        "addresses": [["create", [address]]],
        "contact_mechanisms": [["create", mechanisms]],
        "categories": [["add", [seeding.ids["party.category", customer.kind]]]],
        "customer_currency": seeding.ids["currency.currency", customer.currency],
        "customer_payment_term": seeding.ids["account.invoice.payment_term", customer.payment_term],
        "sale_price_list": seeding.ids["product.price_list", customer.price_list],
        "customer_tax_rule": seeding.ids["account.tax.rule", "export"] if export else None,
        "credit_limit_amount": Decimal(0) if customer.state == "blocked" else None,
    }


async def _sales(seeding: Seeding) -> None:
    await seeding.write(
        "sale.configuration",
        1,
        {
            "sale_invoice_method": "fulfillment",
            "sale_shipment_method": "order",
            "sale_price_list": seeding.ids["product.price_list", estate.PRICE_LIST_RETAIL],
        },
    )


async def _hub_user(seeding: Seeding) -> None:
    await seeding.create("res.group", {"hub": {"name": "Integration hub"}})
    hub = seeding.ids["res.group", "hub"]
    keepers = await seeding.find("res.group", ("name", "=", "Party Administration"))
    granted: list[tuple[str, int | None, Mapping[str, bool]]] = []
    granted += [(model, None, _READ) for model in _PARTY_MODELS]
    granted += [(model, keepers, _FULL) for model in _PARTY_MODELS]
    granted += [(model, hub, rights) for model, rights in _HUB_RIGHTS.items()]
    await seeding.create(
        "ir.model.access",
        {f"{model} {group}": {"model": model, "group": group, **rights} for model, group, rights in granted},
    )
    for model, name, owners in _HUB_BUTTONS:
        button = await seeding.find("ir.model.button", ("model", "=", model), ("name", "=", name))
        owner = await seeding.find("res.group", ("name", "=", owners))
        await seeding.write("ir.model.button", button, {"groups": [["add", [owner, hub]]]})
    # Merging and erasing customers are wizards that only those who administrate parties may run.
    for name in ("party.replace", "party.erase"):
        wizard = await seeding.find("ir.action.wizard", ("wiz_name", "=", name))
        await seeding.write("ir.action.wizard", wizard, {"groups": [["add", [hub]]]})
    await seeding.create(
        "res.user",
        {
            HUB_USER: {
                "name": "Integration hub",
                "login": HUB_USER,
                "password": seeding.hub_password.reveal(),
                "groups": [["add", [hub]]],
                "companies": [["add", [seeding.company]]],
                "company": seeding.company,
                # Where an order names no warehouse, Tryton takes the user's.
                "warehouse": seeding.ids["stock.location", estate.WAREHOUSES[0].code],
            }
        },
    )


_STEPS: Sequence[Step] = (
    _currencies,
    _company,
    _chart_of_accounts,
    _fiscal_years,
    _taxes,
    _payment_terms,
    _products,
    _price_lists,
    _warehouses,
    _stock,
    _customers,
    _sales,
    _hub_user,
)
