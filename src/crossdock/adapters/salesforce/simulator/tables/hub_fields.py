"""What a hub needs of an org: keys that make every write repeatable, and room for what the ERP knows."""

from crossdock.adapters.salesforce.simulator.tables.fields import (
    boolean,
    email,
    moment,
    number,
    picklist,
    text,
    whole,
)
from crossdock.adapters.salesforce.simulator.tables.schema import Field


def amount(name: str) -> tuple[Field, ...]:
    """An amount in whatever currency stands beside it, for an account's own currency is the org's matter."""
    return number(f"{name}__c", scale=2), text(f"{name}Currency__c", 3)


HUB_FIELDS: dict[str, tuple[Field, ...]] = {
    "Account": (
        text("ErpId__c", 40, unique=True, external_id=True),
        text("Hub_Key__c", 120, unique=True, external_id=True),
        text("Hub_Content__c", 64),
        text("Hub_Link__c", 255),
        email("Email__c"),
        text("LegalName__c", 255),
        text("RegistrationNumber__c", 64),
        text("TaxId__c", 64),
        text("TaxClass__c", 64),
        boolean("TaxExempt__c"),
        text("PaymentTerms__c", 64),
        whole("PaymentDays__c"),
        picklist("CreditStatus__c", "approved", "on_hold", "pending", "refused"),
        text("CreditReason__c", 255),
        *amount("CreditLimit"),
        *amount("CreditExposure"),
        *amount("Receivables"),
        *amount("Overdue"),
        text("LastErpOrder__c", 40),
        text("LastDelivery__c", 40),
        text("LastDeliveryStatus__c", 40),
        text("LastInvoice__c", 40),
        picklist("AccountStatus__c", "active", "blocked", "closed", "provisional"),
        text("LoyaltyId__c", 64),
        picklist("EmailConsent__c", "not_seen", "seen", "opt_in", "opt_out"),
    ),
    "Contact": (
        text("ErpId__c", 40, unique=True, external_id=True),
        text("Hub_Key__c", 120, unique=True, external_id=True),
        text("Hub_Content__c", 64),
        text("Hub_Link__c", 255),
        picklist("Role__c", "Business User", "Decision Maker", "Executive Sponsor", "Evaluator", "Other"),
    ),
    "Product2": (text("ErpId__c", 40, unique=True, external_id=True),),
    "Order": (
        text("ErpId__c", 40, unique=True, external_id=True),
        text("ErpOrderNumber__c", 40),
        text("Hub_Key__c", 120, unique=True, external_id=True),
        picklist(
            "Hub_Status__c",
            "Received",
            "Checking",
            "Waiting",
            "Accepted",
            "Partly accepted",
            "Rejected",
            "Parked",
            "Cancelled",
            "Shipped",
        ),
        text("Hub_Reason__c", 4_000, kind="textarea"),
        moment("Hub_Updated__c"),
        picklist("Channel__c", "B2B", "Web", "Store", "Marketplace", "EDI"),
        text("Brand__c", 40),
        text("Region__c", 40),
        boolean("Submitted__c"),
    ),
    "OrderItem": (
        text("Hub_Key__c", 120, unique=True, external_id=True),
        picklist("Hub_Status__c", "Accepted", "Rejected", "Backordered", "Cancelled"),
        text("Hub_Reason__c", 255),
    ),
}
