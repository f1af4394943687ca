"""The objects an org has on its first day: the standard ones a retailer's integration touches."""

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from msgspec.structs import replace

from crossdock.adapters.salesforce.simulator.tables.consents import CONSENT_OBJECTS
from crossdock.adapters.salesforce.simulator.tables.fields import (
    address,
    auto_number,
    boolean,
    currency,
    currency_code,
    date,
    derived,
    email,
    moment,
    number,
    phone,
    picklist,
    reference,
    text,
    url,
    whole,
)
from crossdock.adapters.salesforce.simulator.tables.hub_fields import HUB_FIELDS
from crossdock.adapters.salesforce.simulator.tables.schema import Field, ObjectDefinition

READ_ONLY: dict[str, Any] = {"createable": False, "updateable": False}

PERSONS_NAME = (
    text("LastName", 80, compound="Name"),
    text("FirstName", 40, compound="Name"),
    picklist("Salutation", "Mr.", "Ms.", "Mrs.", "Mx.", "Dr.", "Prof.", compound="Name"),
)
"""The parts of a person's name; on an account they are filled where the account is one person."""

TRACKED_FIELDS: Mapping[str, tuple[str, ...]] = {
    "Account": ("Name", "Phone", "OwnerId", "ErpId__c"),
    "Contact": ("Email", "Phone", "AccountId"),
}
"""The fields whose history an administrator switched on; the vendor allows twenty an object."""


def _history(name: str, prefix: str) -> ObjectDefinition:
    """What a tracked field was and became; written by the org alone."""
    return ObjectDefinition(
        name=f"{name}History",
        prefix=prefix,
        owned=False,
        has_changes=False,
        fields=(
            reference(f"{name}Id", name, children="Histories", on_delete="cascade", **READ_ONLY),
            text("Field", 255, **READ_ONLY),
            text("OldValue", 255, **READ_ONLY),
            text("NewValue", 255, **READ_ONLY),
        ),
    )


def _related(name: str, parent: str) -> Field:
    return reference(
        name, parent, required=True, updateable=False, children="AccountContactRelations", on_delete="cascade"
    )


SYSTEM_OBJECTS = (
    ObjectDefinition(
        name="Organization",
        prefix="00D",
        owned=False,
        has_changes=False,
        fields=(
            text("Name", 80, required=True, name_field=True),
            text("OrganizationType", 40),
            text("InstanceName", 5),
            boolean("IsSandbox"),
            text("NamespacePrefix", 15),
            text("TimeZoneSidKey", 40),
            text("DefaultLocaleSidKey", 40),
            text("LanguageLocaleKey", 40),
            moment("TrialExpirationDate"),
        ),
    ),
    ObjectDefinition(
        name="User",
        prefix="005",
        owned=False,
        fields=(
            text("Username", 80, required=True, unique=True),
            text("LastName", 80, required=True, compound="Name"),
            text("FirstName", 40, compound="Name"),
            derived(text("Name", 121, name_field=True)),
            email("Email", required=True),
            text("Alias", 8),
            boolean("IsActive", default=True),
            text("TimeZoneSidKey", 40),
            text("LocaleSidKey", 40),
            text("LanguageLocaleKey", 40),
            text("ProfileId", 18),
            text("UserType", 40),
        ),
    ),
    ObjectDefinition(
        name="CurrencyType",
        prefix="01L",
        owned=False,
        has_changes=False,
        fields=(
            text("IsoCode", 3, required=True, unique=True, name_field=True),
            number("ConversionRate", scale=6, required=True),
            whole("DecimalPlaces", required=True),
            boolean("IsActive"),
            boolean("IsCorporate"),
        ),
    ),
)

PARTY_OBJECTS = (
    ObjectDefinition(
        name="Account",
        prefix="001",
        fields=(
            text("Name", 255, required=True, name_field=True),
            *PERSONS_NAME,
            picklist("Type", "Prospect", "Customer - Direct", "Customer - Channel", "Other"),
            reference("ParentId", "Account", relationship="Parent", children="ChildAccounts"),
            *address("Billing"),
            *address("Shipping"),
            phone("Phone"),
            phone("Fax"),
            text("AccountNumber", 40),
            url("Website"),
            picklist("Industry", "Agriculture", "Apparel", "Electronics", "Retail", "Transportation", "Other"),
            currency("AnnualRevenue"),
            whole("NumberOfEmployees"),
            text("Description", 32_000, kind="textarea"),
            picklist("Rating", "Hot", "Warm", "Cold"),
            text("Site", 80),
            picklist("AccountSource", "Web", "Phone Inquiry", "Partner Referral", "Other"),
            boolean("IsPersonAccount", createable=False, updateable=False),
            reference("PersonContactId", "Contact", relationship="PersonContact", **READ_ONLY),
            email("PersonEmail"),
            phone("PersonMobilePhone"),
            text("PersonTitle", 80),
            date("PersonBirthdate"),
            *address("PersonMailing"),
            boolean("PersonHasOptedOutOfEmail"),
            boolean("PersonDoNotCall"),
            reference("PersonIndividualId", "Individual", relationship="PersonIndividual"),
            reference("MasterRecordId", "Account", relationship="MasterRecord", **READ_ONLY),
            currency_code(),
        ),
    ),
    ObjectDefinition(
        name="Contact",
        prefix="003",
        fields=(
            reference("AccountId", "Account", children="Contacts", on_delete="cascade"),
            *(replace(field, required=field.name == "LastName") for field in PERSONS_NAME),
            derived(text("Name", 121, name_field=True)),
            *address("Mailing"),
            *address("Other"),
            phone("Phone"),
            phone("MobilePhone"),
            email("Email"),
            text("Title", 128),
            text("Department", 80),
            date("Birthdate"),
            text("Description", 32_000, kind="textarea"),
            boolean("HasOptedOutOfEmail"),
            boolean("DoNotCall"),
            reference("IndividualId", "Individual", children="Contacts"),
            boolean("IsPersonAccount", createable=False, updateable=False),
            reference("MasterRecordId", "Contact", relationship="MasterRecord", **READ_ONLY),
            currency_code(),
        ),
    ),
    ObjectDefinition(
        name="AccountContactRelation",
        prefix="07k",
        owned=False,
        fields=(
            _related("AccountId", "Account"),
            _related("ContactId", "Contact"),
            text("Roles", 4_099),
            boolean("IsDirect", **READ_ONLY),
            boolean("IsActive", default=True),
            date("StartDate"),
            date("EndDate"),
        ),
    ),
    *(_history(name, prefix) for name, prefix in (("Account", "017"), ("Contact", "03j"))),
    ObjectDefinition(
        name="Case",
        prefix="500",
        fields=(
            auto_number("CaseNumber", "{:08d}"),
            reference("AccountId", "Account", children="Cases"),
            reference("ContactId", "Contact", children="Cases"),
            picklist("Status", "New", "Working", "Escalated", "Closed", default="New", required=True),
            picklist("Origin", "Phone", "Email", "Web"),
            picklist("Priority", "High", "Medium", "Low", default="Medium"),
            picklist("Reason", "Delivery", "Product", "Invoice", "Other"),
            text("Subject", 255),
            text("Description", 32_000, kind="textarea"),
            email("SuppliedEmail"),
            derived(boolean("IsClosed")),
            moment("ClosedDate", createable=False, updateable=False),
            currency_code(),
        ),
    ),
)

TRADE_OBJECTS = (
    ObjectDefinition(
        name="Product2",
        prefix="01t",
        owned=False,
        fields=(
            text("Name", 255, required=True, name_field=True),
            text("ProductCode", 255),
            text("StockKeepingUnit", 180, unique=True),
            text("Description", 4_000, kind="textarea"),
            boolean("IsActive"),
            text("Family", 40),
            text("QuantityUnitOfMeasure", 40),
            text("DisplayUrl", 1_000),
            currency_code(),
        ),
    ),
    ObjectDefinition(
        name="Pricebook2",
        prefix="01s",
        owned=False,
        fields=(
            text("Name", 255, required=True, name_field=True),
            boolean("IsActive"),
            boolean("IsStandard", createable=False, updateable=False),
            text("Description", 255),
        ),
    ),
    ObjectDefinition(
        name="PricebookEntry",
        prefix="01u",
        owned=False,
        has_changes=False,
        fields=(
            derived(text("Name", 255, name_field=True)),
            reference(
                "Pricebook2Id",
                "Pricebook2",
                required=True,
                updateable=False,
                children="PricebookEntries",
                on_delete="cascade",
            ),
            reference(
                "Product2Id",
                "Product2",
                required=True,
                updateable=False,
                children="PricebookEntries",
                on_delete="cascade",
            ),
            currency("UnitPrice", required=True),
            boolean("IsActive"),
            boolean("UseStandardPrice"),
            derived(text("ProductCode", 255)),
            currency_code(updateable=False),
        ),
    ),
    ObjectDefinition(
        name="Order",
        prefix="801",
        fields=(
            auto_number("OrderNumber", "{:08d}", name_field=True),
            reference("AccountId", "Account", required=True, children="Orders", on_delete="restrict"),
            reference("Pricebook2Id", "Pricebook2", children="Orders", on_delete="restrict"),
            reference(
                "OriginalOrderId",
                "Order",
                relationship="OriginalOrder",
                updateable=False,
                children="ReductionOrders",
            ),
            date("EffectiveDate", required=True),
            date("EndDate"),
            boolean("IsReductionOrder", updateable=False),
            picklist("Status", "Draft", "Activated", required=True, restricted=True),
            derived(picklist("StatusCode", "Draft", "Activated", "Canceled", "Expired", "Superseded")),
            text("Description", 32_000, kind="textarea"),
            picklist("Type", "Web", "Store", "Phone", "EDI"),
            text("Name", 80),
            date("PoDate"),
            text("PoNumber", 80),
            text("OrderReferenceNumber", 80),
            reference("BillToContactId", "Contact", relationship="BillToContact"),
            reference("ShipToContactId", "Contact", relationship="ShipToContact"),
            *address("Billing"),
            *address("Shipping"),
            moment("ActivatedDate", createable=False, updateable=False),
            reference("ActivatedById", "User", relationship="ActivatedBy", createable=False, updateable=False),
            derived(currency("TotalAmount")),
            currency_code(),
        ),
    ),
    ObjectDefinition(
        name="OrderItem",
        prefix="802",
        owned=False,
        fields=(
            auto_number("OrderItemNumber", "{:010d}", name_field=True),
            reference(
                "OrderId", "Order", required=True, updateable=False, children="OrderItems", on_delete="cascade"
            ),
            reference("PricebookEntryId", "PricebookEntry", updateable=False, on_delete="restrict"),
            reference("Product2Id", "Product2", updateable=False, on_delete="restrict"),
            reference("OriginalOrderItemId", "OrderItem", relationship="OriginalOrderItem", updateable=False),
            number("Quantity", scale=2, required=True),
            derived(number("AvailableQuantity", scale=2)),
            currency("UnitPrice"),
            derived(currency("ListPrice")),
            derived(currency("TotalPrice")),
            date("ServiceDate"),
            date("EndDate"),
            text("Description", 255),
            currency_code(createable=False, updateable=False),
        ),
    ),
)

TOOLING_OBJECTS = (
    ObjectDefinition(
        name="ManagedEventSubscription",
        prefix="18x",
        kind="tooling",
        owned=False,
        has_changes=False,
        fields=(
            text("DeveloperName", 80, required=True, unique=True, name_field=True),
            text("FullName", 80),
            text("MasterLabel", 80),
            text("Language", 40),
            Field(name="Metadata", type="complexvalue"),
        ),
    ),
)

PLATFORM_EVENTS = (
    ObjectDefinition(
        name="Order_Event__e",
        prefix="e00",
        kind="event",
        owned=False,
        has_changes=False,
        fields=(
            text("Order_Number__c", 255),
            text("Record_Id__c", 18),
            text("Action__c", 40),
            number("Amount__c", scale=2),
        ),
    ),
)

CHANGE_OBJECTS = (
    "Account",
    "AccountContactRelation",
    "Contact",
    "ContactPointConsent",
    "ContactPointTypeConsent",
    "Order",
    "OrderItem",
    "Product2",
)


def first_day(without: Collection[str] = ()) -> Iterable[ObjectDefinition]:
    """Every object of a fresh org, the hub's custom fields included, but for those whose feature is off."""
    standard = (*SYSTEM_OBJECTS, *PARTY_OBJECTS, *CONSENT_OBJECTS, *TRADE_OBJECTS)
    for definition in (*standard, *TOOLING_OBJECTS, *PLATFORM_EVENTS):
        if definition.name in without:
            continue
        extra = HUB_FIELDS.get(definition.name, ())
        yield ObjectDefinition(
            name=definition.name,
            prefix=definition.prefix,
            fields=(*definition.fields, *extra),
            label=definition.label,
            plural=definition.plural,
            kind=definition.kind,
            owned=definition.owned,
            has_changes=definition.has_changes,
        )
