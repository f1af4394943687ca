"""What a deployment says about its Salesforce org: where it is, who we are there, and how its fields are named."""

from collections.abc import Mapping
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from crossdock.canonical.party import EntryKey
from crossdock.kit.clock import seconds_to_us
from crossdock.kit.money import Unit
from crossdock.kit.redaction import Secret

ORIGIN_MARK = "crossdock"
"""Sent as `Sforce-Call-Options: client=…`; change events caused by us carry it back in their changeOrigin."""

COLLECTION_ROWS_MAX = 200
CREDITS_MAX = 100
_SECONDS_PER_HOUR = 3_600

Url = Annotated[str, Meta(pattern=r"^https?://[^/\s?#]+(:[0-9]+)?/*$")]
FieldName = Annotated[str, Meta(pattern=r"^[A-Za-z][A-Za-z0-9_]*$", max_length=80)]
FieldPath = Annotated[str, Meta(pattern=r"^([A-Za-z][A-Za-z0-9_]*(\.[A-Za-z][A-Za-z0-9_]*){0,4})?$")]
"""A field, a field of a parent (`Account.ErpId__c`), or empty: the org has none."""

OptionalField = Annotated[str, Meta(pattern=r"^([A-Za-z][A-Za-z0-9_]*)?$", max_length=80)]
Topic = Annotated[str, Meta(pattern=r"^/(event|data)/[A-Za-z0-9_]+$")]
Positive = Annotated[float, Meta(gt=0)]
Channel = Literal["Email", "MailingAddress", "Phone", "Social", "Web"]


class OrderFields(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where the org keeps what an order means. A field that is named here must exist and be readable.

    An order counts as submitted when the checkbox `submitted` is set or its Status is one of `statuses`.
    Paths may lead through parents; `line_*` paths start at OrderItem.
    """

    submitted: OptionalField = "Submitted__c"
    statuses: tuple[Annotated[str, Meta(max_length=255)], ...] = ("Activated",)
    channel: FieldPath = "Channel__c"
    brand: FieldPath = "Brand__c"
    region: FieldPath = "Region__c"
    location: FieldPath = ""
    payment_terms: FieldPath = ""
    customer_number: FieldPath = "Account.ErpId__c"
    line_product: FieldPath = "Product2.ProductCode"
    line_unit: FieldPath = ""


class StatusFields(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The fields of Order in which the hub shows what became of it; an empty name is not written."""

    status: OptionalField = "Hub_Status__c"
    reason: OptionalField = "Hub_Reason__c"
    updated: OptionalField = "Hub_Updated__c"
    erp_number: OptionalField = "ErpOrderNumber__c"
    correlation: OptionalField = ""
    reason_characters_max: Annotated[int, Meta(ge=20, le=131_072)] = 255
    labels: Mapping[str, str] = {}

    def names(self) -> tuple[str, ...]:
        """The fields that are written."""
        named = (self.status, self.reason, self.updated, self.erp_number, self.correlation)
        return tuple(name for name in named if name)


def _address(name: str, prefix: str) -> dict[str, str]:
    parts = {
        "lines": "Street",
        "postal_code": "PostalCode",
        "city": "City",
        "region": "State",
        "country": "Country",
    }
    return {f"{name}.{part}": f"{prefix}{field}" for part, field in parts.items()}


def _amount(name: str, field: str) -> dict[str, str]:
    return {f"{name}.amount": f"{field}__c", f"{name}.currency": f"{field}Currency__c"}


COMMON_FIELDS: Mapping[str, str] = {
    "account.number": "ErpId__c",
    "account.status": "AccountStatus__c",
    "contact.phone": "Phone",
    **_address("billing.address", "Billing"),
    **_address("shipping.default.address", "Shipping"),
    "tax.number": "TaxId__c",
    "tax.classification": "TaxClass__c",
    "tax.exemption.exempt": "TaxExempt__c",
    "terms.code": "PaymentTerms__c",
    "terms.days_net": "PaymentDays__c",
    "credit.status": "CreditStatus__c",
    "credit.reason": "CreditReason__c",
    **_amount("credit.limit", "CreditLimit"),
    **_amount("credit.exposure", "CreditExposure"),
    **_amount("receivables.balance", "Receivables"),
    **_amount("receivables.overdue", "Overdue"),
    "case_reference.last_order": "LastErpOrder__c",
    "case_reference.last_delivery": "LastDelivery__c",
    "case_reference.last_delivery_status": "LastDeliveryStatus__c",
    "case_reference.last_invoice": "LastInvoice__c",
    "loyalty.main.number": "LoyaltyId__c",
    "consents.email-marketing.status": "EmailConsent__c",
    "engagement.lead_source": "AccountSource",
}
BUSINESS_FIELDS: Mapping[str, str] = {
    "organisation.name": "Name",
    "organisation.legal_name": "LegalName__c",
    "organisation.registration_number": "RegistrationNumber__c",
    "organisation.industry": "Industry",
    "organisation.website": "Website",
    "contact.email": "Email__c",
}
PERSON_FIELDS: Mapping[str, str] = {
    "person.name.salutation": "Salutation",
    "person.name.given": "FirstName",
    "person.name.family": "LastName",
    "person.birth_date": "PersonBirthdate",
    "contact.email": "PersonEmail",
    "contact.mobile": "PersonMobilePhone",
    "contact.job_title": "PersonTitle",
}
CONTACT_FIELDS: Mapping[str, str] = {
    "person.name.salutation": "Salutation",
    "person.name.given": "FirstName",
    "person.name.family": "LastName",
    "person.birth_date": "Birthdate",
    "contact.email": "Email",
    "contact.phone": "Phone",
    "contact.mobile": "MobilePhone",
    "contact.job_title": "Title",
    "contact.department": "Department",
    "contact.role": "Role__c",
}
CONTACT_TOPIC = "/data/ContactChangeEvent"
RELATION = "AccountContactRelation"
RELATION_TOPIC = f"/data/{RELATION}ChangeEvent"


def is_consent(name: str) -> bool:
    """Whether a field of the hub's catalogue is one of a consent."""
    return name.startswith("consents.")


BELONGINGS: Mapping[str, str] = {
    "Contact": "AccountId",
    "Order": "AccountId",
    "Opportunity": "AccountId",
    "Case": "AccountId",
    "Contract": "AccountId",
    "Asset": "AccountId",
    "Account": "ParentId",
}


class ConsentKind(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What one consent of the hub is about in the org: a channel, and a data use purpose by its name.

    Without `purpose` it is what was said for no purpose in particular.
    """

    channel: Channel
    purpose: Annotated[str, Meta(max_length=255)] = ""


CONSENT_KINDS: Mapping[str, ConsentKind] = {"email-marketing": ConsentKind(channel="Email", purpose="Marketing")}
CONSENT_TOPICS = ("/data/ContactPointTypeConsentChangeEvent", "/data/ContactPointConsentChangeEvent")


class ConsentRecords(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How consents are kept in the org's consent objects.

    `kinds`: the hub's name of a consent to what it is about; records about anything else are left alone. The org
    wants to know where each was captured: what nobody has said where bears `captured_by` and `captured_from`, and
    reads as such. Listens to `topics`.
    """

    kinds: Annotated[Mapping[EntryKey, ConsentKind], Meta(min_length=1, max_length=50)] = msgspec.field(
        default_factory=lambda: dict(CONSENT_KINDS)
    )
    captured_by: Channel = "Web"
    captured_from: Annotated[str, Meta(min_length=1, max_length=255)] = "Crossdock"
    topics: Annotated[tuple[Topic, ...], Meta(max_length=20)] = CONSENT_TOPICS


class CustomerFields(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where accounts keep what the hub knows of customers: names of its field catalogue to fields of Account.

    `common` are on every account, `business` and `person` only on business and on person accounts. A field that
    the org lacks is left out. `key` and `content` must be there to create customers: under which key (unique
    external id), and a digest of what was said then. `link` shows which account is the same customer, `parent`
    which one it belongs to. `belongings`: objects whose rows go back with an account when a merge is taken back,
    and the field by which each points at it; one that the org lacks is left out. `allow_duplicates` saves what a
    duplicate rule only warns of. Listens to `topics`.

    `contacts` are fields of Contact, for the people of business accounts. They are customers of the hub where
    `topics` has theirs, `/data/ContactChangeEvent`; then Contact needs `key` and `content` as well. The further
    accounts that they are related to are read with `/data/AccountContactRelationChangeEvent`.

    `consents_in` says how the org keeps consents: in `fields` of Account, as the tables name them, or in `records`
    of its consent objects, see `ConsentRecords`; then what the tables name for consents is left alone.
    """

    common: Mapping[str, FieldName] = msgspec.field(default_factory=lambda: dict(COMMON_FIELDS))
    business: Mapping[str, FieldName] = msgspec.field(default_factory=lambda: dict(BUSINESS_FIELDS))
    person: Mapping[str, FieldName] = msgspec.field(default_factory=lambda: dict(PERSON_FIELDS))
    contacts: Mapping[str, FieldName] = msgspec.field(default_factory=lambda: dict(CONTACT_FIELDS))
    key: FieldName = "Hub_Key__c"
    content: FieldName = "Hub_Content__c"
    link: OptionalField = "Hub_Link__c"
    parent: OptionalField = "ParentId"
    belongings: Mapping[FieldName, FieldName] = msgspec.field(default_factory=lambda: dict(BELONGINGS))
    consents_in: Literal["fields", "records"] = "fields"
    consent_records: ConsentRecords = ConsentRecords()
    allow_duplicates: bool = False
    topics: Annotated[tuple[Topic, ...], Meta(min_length=1, max_length=20)] = ("/data/AccountChangeEvent",)

    def __post_init__(self) -> None:
        """Leave consents to their records where the org keeps them there."""
        if self.has_consent_records:
            for table in ("common", "business", "person", "contacts"):
                kept = {name: field for name, field in getattr(self, table).items() if not is_consent(name)}
                msgspec.structs.force_setattr(self, table, kept)

    @property
    def has_consent_records(self) -> bool:
        """Whether consents are kept in the org's consent objects."""
        return self.consents_in == "records"

    @property
    def listened(self) -> tuple[str, ...]:
        """All topics that tell of customers."""
        return (*self.topics, *(self.consent_records.topics if self.has_consent_records else ()))

    @property
    def has_relations(self) -> bool:
        """Whether the further accounts are read that contacts are related to."""
        return self.has_contacts and RELATION_TOPIC in self.topics

    @property
    def has_contacts(self) -> bool:
        """Whether contacts of business accounts are read and written."""
        return CONTACT_TOPIC in self.topics


class EventSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How events are listened to.

    `gather_max` orders or `gather_seconds` end a batch, whichever is first: fewer calls against latency.
    `silence_seconds_max`: the vendor sends a sign of life every 270 s; after so long without one we reconnect.
    `settle_seconds`: a new subscription without a stored position counts as standing after so long in peace;
    what may have fallen in between is covered by a second, closing gap as soon as it has spoken.
    `overlap_seconds`: how far before a gap a refill starts to read, for transactions that commit late.
    `retention_hours`: a stored position older than that is not tried at all.
    `poll_seconds`: how often orders are read by query while the org's event allowance is used up.
    Platform events carry a whole order as JSON in `payload_field`, or the record's Id in `record_field`.
    """

    topics: Annotated[tuple[Topic, ...], Meta(min_length=1, max_length=20)] = ("/data/OrderChangeEvent",)
    gather_max: Annotated[int, Meta(ge=1, le=COLLECTION_ROWS_MAX)] = COLLECTION_ROWS_MAX
    gather_seconds: Annotated[float, Meta(ge=0, le=300)] = 1.0
    silence_seconds_max: Positive = 300.0
    settle_seconds: Annotated[float, Meta(ge=0, le=300)] = 1.0
    overlap_seconds: Annotated[int, Meta(ge=0, le=86_400)] = 600
    retention_hours: Positive = 72.0
    poll_seconds: Positive = 300.0
    retry_seconds_min: Positive = 0.5
    retry_seconds_max: Positive = 60.0
    payload_field: FieldName = "Payload__c"
    record_field: FieldName = "OrderId__c"

    @property
    def retained_us(self) -> int:
        """`retention_hours` in microseconds."""
        return seconds_to_us(self.retention_hours * _SECONDS_PER_HOUR)


class SalesforceSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One org and one integration user.

    `flow` jwt_bearer needs `username` and `private_key` (PEM); client_credentials needs `client_secret` and, at
    the vendor, the org's My Domain as `login_url`. `audience` is the JWT's, by default `login_url`.
    `certificate_file` (PEM) is trusted instead of the public authorities; `pubsub_plaintext` is for loopback.
    `currency` stands in for orgs without multi-currency. `countries` and `units` translate the org's words
    ("Germany", "Each") into ISO 3166-1 alpha-2 and unit codes; two-letter codes need no entry.
    """

    client_id: Annotated[str, Meta(min_length=1)]
    flow: Literal["jwt_bearer", "client_credentials"] = "jwt_bearer"
    login_url: Url = "https://login.salesforce.com"
    audience: str = ""
    username: str = ""
    private_key: Secret | None = None
    client_secret: Secret | None = None
    api_version: Annotated[str, Meta(pattern=r"^[0-9]{2,3}\.0$")] = "67.0"
    pubsub_target: Annotated[str, Meta(pattern=r"^\S+:[0-9]{1,5}$")] = "api.pubsub.salesforce.com:7443"
    pubsub_plaintext: bool = False
    certificate_file: str = ""
    timeout_seconds: Positive = 30.0
    connections_max: Annotated[int, Meta(ge=1, le=100)] = 8
    order_prefix: Annotated[str, Meta(pattern=r"^([A-Za-z0-9][A-Za-z0-9._:@+#-]{0,19})?$")] = "SF-"
    currency: Annotated[str, Meta(pattern="^([A-Z]{3})?$")] = ""
    channel: Annotated[str, Meta(min_length=1, max_length=64)] = "salesforce"
    countries: Mapping[str, Annotated[str, Meta(pattern="^[A-Z]{2}$")]] = {}
    units: Mapping[str, Unit] = {}
    orders: OrderFields = OrderFields()
    statuses: StatusFields = StatusFields()
    customers: CustomerFields = CustomerFields()
    events: EventSettings = EventSettings()
    bulk_poll_seconds_min: Positive = 0.5
    bulk_poll_seconds_max: Positive = 30.0
    bulk_timeout_seconds: Positive = 3_600.0
    bulk_part_bytes_max: Annotated[int, Meta(ge=1_000, le=100_000_000)] = 100_000_000

    @property
    def cannot_join_by(self) -> frozenset[str]:
        """Of what the adapter can do about two accounts of one customer, what it cannot do in this org."""
        return frozenset() if self.customers.link else frozenset({"link"})

    bulk_rows_min: Annotated[int, Meta(ge=1)] = 2_001
