"""Objects of data protection and privacy: whom consents are of, how he is reached, what for, and what he said.

An org has them once an administrator has switched *Data Protection and Privacy* on; fields, picklists and what is
required follow the vendor's object reference (API 67.0), where they touch a retailer's integration.
"""

from crossdock.adapters.salesforce.simulator.tables.fields import (
    address,
    boolean,
    date,
    derived,
    email,
    moment,
    phone,
    picklist,
    reference,
    text,
    whole,
)
from crossdock.adapters.salesforce.simulator.tables.schema import Field, ObjectDefinition

CHANNELS = ("Email", "MailingAddress", "Phone", "Social", "Web")
STATUSES = ("NotSeen", "Seen", "OptIn", "OptInPending", "OptOut", "OptOutPending")
POINTS = ("ContactPointAddress", "ContactPointEmail", "ContactPointPhone")
CONSENTS = ("ContactPointTypeConsent", "ContactPointConsent")


def _channel(name: str) -> Field:
    return picklist(name, *CHANNELS, required=True, restricted=True)


def _consent(about: tuple[Field, ...]) -> tuple[Field, ...]:
    return (
        text("Name", 255, required=True, name_field=True),
        *about,
        reference("DataUsePurposeId", "DataUsePurpose", children="Consents"),
        picklist("PrivacyConsentStatus", *STATUSES, required=True, restricted=True),
        moment("EffectiveFrom"),
        moment("EffectiveTo"),
        moment("CaptureDate", required=True),
        _channel("CaptureContactPointType"),
        text("CaptureSource", 255, required=True),
        moment("DoubleConsentCaptureDate"),
    )


def _point(children: str, *fields: Field) -> tuple[Field, ...]:
    parent = reference(
        "ParentId", "Account", "Individual", relationship="Parent", children=children, on_delete="cascade"
    )
    times = (date("ActiveFromDate"), date("ActiveToDate"))
    return (parent, *fields, *times, boolean("IsPrimary"), whole("PreferenceRank"))


_USAGE = ("Home", "Temp", "Work")

CONSENT_OBJECTS = (
    ObjectDefinition(
        name="Individual",
        prefix="0PK",
        fields=(
            text("LastName", 80, required=True, compound="Name"),
            text("FirstName", 40, compound="Name"),
            derived(text("Name", 121, name_field=True)),
            boolean("HasOptedOutTracking"),
            boolean("HasOptedOutProfiling"),
            boolean("HasOptedOutProcessing"),
            boolean("HasOptedOutSolicit"),
            boolean("HasOptedOutGeoTracking"),
            boolean("ShouldForget"),
            boolean("SendIndividualData"),
            date("BirthDate"),
            reference(
                "MasterRecordId", "Individual", relationship="MasterRecord", createable=False, updateable=False
            ),
        ),
    ),
    ObjectDefinition(
        name="DataUseLegalBasis",
        prefix="0ZV",
        has_changes=False,
        fields=(
            text("Name", 255, required=True, name_field=True),
            text("Source", 255),
            text("Description", 255),
        ),
    ),
    ObjectDefinition(
        name="DataUsePurpose",
        prefix="0ZW",
        has_changes=False,
        fields=(
            text("Name", 255, required=True, name_field=True),
            reference("LegalBasisId", "DataUseLegalBasis", children="DataUsePurposes"),
            text("Description", 255),
            boolean("CanDataSubjectOptOut"),
        ),
    ),
    ObjectDefinition(
        name="ContactPointEmail",
        prefix="9Vl",
        fields=(
            derived(text("Name", 255, name_field=True)),
            *_point("ContactPointEmails", email("EmailAddress", required=True)),
            text("EmailMailBox", 250),
            text("EmailDomain", 250),
            moment("EmailLatestBounceDateTime"),
            text("EmailLatestBounceReasonText", 250),
            picklist("UsageType", *_USAGE),
        ),
    ),
    ObjectDefinition(
        name="ContactPointPhone",
        prefix="0Ow",
        fields=(
            derived(text("Name", 255, name_field=True)),
            *_point("ContactPointPhones", phone("TelephoneNumber", required=True)),
            text("AreaCode", 30),
            text("ExtensionNumber", 30),
            text("FormattedInternationalPhoneNumber", 250),
            text("FormattedNationalPhoneNumber", 250),
            boolean("IsBusinessPhone"),
            boolean("IsFaxCapable"),
            boolean("IsPersonalPhone"),
            boolean("IsSmsCapable"),
            picklist("PhoneType", "Home", "Mobile", restricted=True),
            picklist("UsageType", *_USAGE),
        ),
    ),
    ObjectDefinition(
        name="ContactPointAddress",
        prefix="8lW",
        fields=(
            text("Name", 255, required=True, name_field=True),
            *_point("ContactPointAddresses", *address("")),
            reference("ContactPointPhoneId", "ContactPointPhone", relationship="ContactPointPhone"),
            picklist("AddressType", "Billing", "Shipping"),
            boolean("IsDefault"),
            picklist("UsageType", *_USAGE),
        ),
    ),
    ObjectDefinition(
        name="ContactPointTypeConsent",
        prefix="0ZY",
        fields=_consent(
            (
                reference(
                    "PartyId",
                    "Individual",
                    relationship="Party",
                    required=True,
                    children="ContactPointTypeConsents",
                    on_delete="cascade",
                ),
                _channel("ContactPointType"),
            )
        ),
    ),
    ObjectDefinition(
        name="ContactPointConsent",
        prefix="0ZX",
        fields=_consent(
            (
                reference(
                    "ContactPointId",
                    *POINTS,
                    relationship="ContactPoint",
                    required=True,
                    children="ContactPointConsents",
                    on_delete="cascade",
                ),
            )
        ),
    ),
)
