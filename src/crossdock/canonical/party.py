"""Who is involved: parties with all that systems say of them, customers as orders name them, places on the map.

A `Party` is a statement: one system's, about one party, and mostly about a part of it. So each of its fields can
say three things: a value, `None` (it is empty), or nothing at all (`msgspec.UNSET`, and absent on the wire). An
update that brings only what changed therefore never clears what it did not mention.

Requirements: CUS-09, CUS-10, CUS-20.
"""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Annotated, Literal, TypeAlias, TypeVar

import msgspec
from msgspec import UNSET, Meta, UnsetType

from crossdock.kit.money import Amount, Currency

T = TypeVar("T")

Text = Annotated[str, Meta(min_length=1, max_length=255)]
Code = Annotated[str, Meta(min_length=1, max_length=64)]
CountryCode = Annotated[str, Meta(pattern="^[A-Z]{2}$")]
LanguageCode = Annotated[str, Meta(pattern="^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$")]
Moment = Annotated[datetime, Meta(tz=True)]
Count = Annotated[int, Meta(ge=0, le=2**53)]

EntryKey = Annotated[str, Meta(pattern="^[a-z0-9][a-z0-9_-]{0,39}$")]
"""The name of one of several: `default` among shipping profiles, `email-marketing` among consents."""

Maybe: TypeAlias = T | UnsetType | None
"""A value, `None` for "it is empty", or UNSET for "nothing is said"."""


# ── as orders name them ─────────────────────────────────────────────────────────────────────────────


class ExternalReference(msgspec.Struct, frozen=True):
    """The number under which a system knows the object: `("salesforce", "Order", "801…")`."""

    system: Code
    kind: Code
    value: Text


class Address(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A postal address; `country` is ISO 3166-1 alpha-2, `region` the state or province as written there."""

    name: Annotated[str, Meta(max_length=255)] = ""
    lines: Annotated[tuple[Text, ...], Meta(min_length=1, max_length=5)]
    postal_code: Annotated[str, Meta(max_length=20)] = ""
    city: Text
    region: Annotated[str, Meta(max_length=80)] = ""
    country: CountryCode
    phone: Annotated[str, Meta(max_length=40)] = ""
    email: Annotated[str, Meta(max_length=254)] = ""


class Customer(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The buyer as the channel knows them. `number` is the ERP's customer number where it is known."""

    number: Annotated[str, Meta(max_length=64)] = ""
    name: Annotated[str, Meta(max_length=255)] = ""
    kind: Literal["organisation", "person"] = "person"
    email: Annotated[str, Meta(max_length=254)] = ""
    references: tuple[ExternalReference, ...] = ()


# ── as systems tell of them ─────────────────────────────────────────────────────────────────────────


class Said(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A part of a statement: whatever is UNSET is not said."""


class PersonName(Said, frozen=True, kw_only=True):
    """A person's name; its parts come from one source or not at all."""

    salutation: Maybe[Text] = UNSET
    given: Maybe[Text] = UNSET
    middle: Maybe[Text] = UNSET
    family: Maybe[Text] = UNSET
    suffix: Maybe[Text] = UNSET


class Person(Said, frozen=True, kw_only=True):
    """A natural person."""

    name: PersonName = PersonName()
    birth_date: Maybe[date] = UNSET


class Organisation(Said, frozen=True, kw_only=True):
    """A company or public body. `name` is what people call it, `legal_name` what the register does.

    `registered_in` is ISO 3166-1 alpha-2, `registration_number` as that country's register writes it.
    """

    name: Maybe[Text] = UNSET
    legal_name: Maybe[Text] = UNSET
    legal_form: Maybe[Code] = UNSET
    registration_number: Maybe[Code] = UNSET
    registered_in: Maybe[CountryCode] = UNSET
    industry: Maybe[Text] = UNSET
    website: Maybe[Text] = UNSET


class Account(Said, frozen=True, kw_only=True):
    """The commercial relationship. `number` is the ERP's customer number.

    While `provisional`, the customer exists and may not order on invoice (CUS-24).
    """

    number: Maybe[Code] = UNSET
    status: Maybe[Literal["active", "blocked", "closed", "provisional"]] = UNSET
    segment: Maybe[Literal["b2b", "b2c"]] = UNSET
    opened_on: Maybe[date] = UNSET


class Contact(Said, frozen=True, kw_only=True):
    """How to reach the party; `job_title`, `department`, `role` where a person stands for an organisation."""

    email: Maybe[Annotated[str, Meta(min_length=1, max_length=254)]] = UNSET
    email_verified: Maybe[bool] = UNSET
    phone: Maybe[Annotated[str, Meta(min_length=1, max_length=40)]] = UNSET
    mobile: Maybe[Annotated[str, Meta(min_length=1, max_length=40)]] = UNSET
    job_title: Maybe[Text] = UNSET
    department: Maybe[Text] = UNSET
    role: Maybe[Text] = UNSET


class PostalAddress(Said, frozen=True, kw_only=True):
    """A postal address as far as it is told; its parts come from one source or not at all (pain 16)."""

    name: Maybe[Text] = UNSET
    lines: Maybe[Annotated[tuple[Text, ...], Meta(min_length=1, max_length=5)]] = UNSET
    postal_code: Maybe[Annotated[str, Meta(min_length=1, max_length=20)]] = UNSET
    city: Maybe[Text] = UNSET
    region: Maybe[Annotated[str, Meta(min_length=1, max_length=80)]] = UNSET
    country: Maybe[CountryCode] = UNSET


class Location(Said, frozen=True, kw_only=True):
    """A site of the party: where it is, not where anything is sent."""

    name: Maybe[Text] = UNSET
    purpose: Maybe[Code] = UNSET
    address: PostalAddress = PostalAddress()


class BillingProfile(Said, frozen=True, kw_only=True):
    """Who is billed, where, in which currency."""

    name: Maybe[Text] = UNSET
    email: Maybe[Annotated[str, Meta(min_length=1, max_length=254)]] = UNSET
    currency: Maybe[Currency] = UNSET
    address: PostalAddress = PostalAddress()


class TaxExemption(Said, frozen=True, kw_only=True):
    """Whether tax is charged, and the certificate that says why not; one source or not at all."""

    exempt: Maybe[bool] = UNSET
    certificate: Maybe[Code] = UNSET
    region: Maybe[Code] = UNSET
    valid_until: Maybe[date] = UNSET


class TaxProfile(Said, frozen=True, kw_only=True):
    """`number` is the tax or VAT number, `classification` the ERP's tax class."""

    number: Maybe[Code] = UNSET
    classification: Maybe[Code] = UNSET
    exemption: TaxExemption = TaxExemption()


class AmountOf(Said, frozen=True, kw_only=True):
    """An amount of money as decimal text and its ISO 4217 currency: the one means nothing without the other."""

    amount: Maybe[Amount] = UNSET
    currency: Maybe[Currency] = UNSET


class CreditProfile(Said, frozen=True, kw_only=True):
    """What finance thinks of it; `reason` is why, in words for whoever serves the customer.

    `exposure` is what counts against the `limit`: what is owed, and what was ordered and is not invoiced yet.
    """

    status: Maybe[Literal["approved", "on_hold", "pending", "refused"]] = UNSET
    reason: Maybe[Text] = UNSET
    limit: AmountOf = AmountOf()
    exposure: AmountOf = AmountOf()


class PaymentTerms(Said, frozen=True, kw_only=True):
    """The ERP's code, and how many days after the invoice it is due."""

    code: Maybe[Code] = UNSET
    days_net: Maybe[Count] = UNSET


class InvoicingRules(Said, frozen=True, kw_only=True):
    """How invoices are made and sent."""

    delivery: Maybe[Code] = UNSET
    frequency: Maybe[Code] = UNSET
    consolidated: Maybe[bool] = UNSET
    purchase_order_required: Maybe[bool] = UNSET


class Receivables(Said, frozen=True, kw_only=True):
    """What is owed, as far as others need to know."""

    balance: AmountOf = AmountOf()
    overdue: AmountOf = AmountOf()
    dunning_blocked: Maybe[bool] = UNSET


class ShippingProfile(Said, frozen=True, kw_only=True):
    """Where and how to deliver; `eligible` is whether it may be delivered to at all."""

    address: PostalAddress = PostalAddress()
    carrier: Maybe[Code] = UNSET
    instructions: Maybe[Text] = UNSET
    eligible: Maybe[bool] = UNSET


class LoyaltyIdentity(Said, frozen=True, kw_only=True):
    """The party in a loyalty programme, which is the entry's key."""

    number: Maybe[Code] = UNSET
    tier: Maybe[Code] = UNSET
    status: Maybe[Literal["active", "closed", "suspended"]] = UNSET
    joined_on: Maybe[date] = UNSET


class Consent(Said, frozen=True, kw_only=True):
    """What the party agreed to, from `starts_at` until `expires_at`.

    The entry's key is channel and purpose (`email-marketing`).
    """

    status: Maybe[Literal["not_seen", "opt_in", "opt_out", "seen"]] = UNSET
    captured_at: Maybe[Moment] = UNSET
    captured_from: Maybe[Text] = UNSET
    starts_at: Maybe[Moment] = UNSET
    expires_at: Maybe[Moment] = UNSET


class MarketingPreferences(Said, frozen=True, kw_only=True):
    """What the party would like to hear of, and how."""

    channel: Maybe[Code] = UNSET
    frequency: Maybe[Code] = UNSET
    topics: Maybe[Annotated[tuple[Text, ...], Meta(min_length=1, max_length=50)]] = UNSET


class CarePreferences(Said, frozen=True, kw_only=True):
    """How the party wants to be served."""

    language: Maybe[LanguageCode] = UNSET
    channel: Maybe[Code] = UNSET
    hours: Maybe[Text] = UNSET
    tier: Maybe[Code] = UNSET


class Engagement(Said, frozen=True, kw_only=True):
    """How the party came to us and when it was last heard of."""

    lead_source: Maybe[Text] = UNSET
    campaign: Maybe[Text] = UNSET
    score: Maybe[Count] = UNSET
    last_engaged_at: Maybe[Moment] = UNSET


class Pipeline(Said, frozen=True, kw_only=True):
    """What sales works on with the party."""

    stage: Maybe[Code] = UNSET
    owner: Maybe[Text] = UNSET
    next_step: Maybe[Text] = UNSET
    expected_close_on: Maybe[date] = UNSET


class CaseContext(Said, frozen=True, kw_only=True):
    """What the service desk knows."""

    open_cases: Maybe[Count] = UNSET
    last_case: Maybe[Code] = UNSET
    last_case_status: Maybe[Code] = UNSET
    escalated: Maybe[bool] = UNSET


class CaseReference(Said, frozen=True, kw_only=True):
    """What the service desk needs to see of the ERP: the latest documents, by their numbers."""

    last_order: Maybe[Code] = UNSET
    last_delivery: Maybe[Code] = UNSET
    last_delivery_status: Maybe[Code] = UNSET
    last_invoice: Maybe[Code] = UNSET


class PartyReference(Said, frozen=True, kw_only=True):
    """Another party, by the number under which a system knows it; one source or not at all."""

    system: Maybe[Code] = UNSET
    kind: Maybe[Code] = UNSET
    value: Maybe[Text] = UNSET


class Hierarchy(Said, frozen=True, kw_only=True):
    """Where the party stands: `relation` to `parent` is `branch`, `subsidiary`, or `contact` of it."""

    parent: PartyReference = PartyReference()
    relation: Maybe[Literal["branch", "contact", "subsidiary"]] = UNSET


class Relation(Said, frozen=True, kw_only=True):
    """A further party that a person stands for, beside the one in `Hierarchy`: one source or not at all.

    The entry's key is whatever tells one such party from another. `role` is what the person is there.
    """

    party: PartyReference = PartyReference()
    role: Maybe[Text] = UNSET
    active: Maybe[bool] = UNSET
    since: Maybe[date] = UNSET
    until: Maybe[date] = UNSET


class Party(Said, frozen=True, kw_only=True):
    """A statement about a person or organisation. `references` are the numbers the speaker knows it by."""

    kind: Maybe[Literal["organisation", "person"]] = UNSET
    person: Person = Person()
    organisation: Organisation = Organisation()
    account: Account = Account()
    contact: Contact = Contact()
    locations: Mapping[EntryKey, Location] = {}
    billing: BillingProfile = BillingProfile()
    tax: TaxProfile = TaxProfile()
    credit: CreditProfile = CreditProfile()
    terms: PaymentTerms = PaymentTerms()
    invoicing: InvoicingRules = InvoicingRules()
    receivables: Receivables = Receivables()
    shipping: Mapping[EntryKey, ShippingProfile] = {}
    loyalty: Mapping[EntryKey, LoyaltyIdentity] = {}
    consents: Mapping[EntryKey, Consent] = {}
    marketing: MarketingPreferences = MarketingPreferences()
    service: CarePreferences = CarePreferences()
    engagement: Engagement = Engagement()
    pipeline: Pipeline = Pipeline()
    cases: CaseContext = CaseContext()
    case_reference: CaseReference = CaseReference()
    hierarchy: Hierarchy = Hierarchy()
    relations: Mapping[EntryKey, Relation] = {}
    references: Annotated[tuple[ExternalReference, ...], Meta(max_length=20)] = ()


def under_name(says: Party, own: str, name: str) -> Party:
    """The statement with its speaker's own numbers under another name: `own` is what its dock calls the system."""

    def named(reference: ExternalReference) -> ExternalReference:
        return msgspec.structs.replace(reference, system=name) if reference.system == own else reference

    def renamed(party: PartyReference) -> PartyReference:
        return msgspec.structs.replace(party, system=name) if party.system == own else party

    hierarchy = msgspec.structs.replace(says.hierarchy, parent=renamed(says.hierarchy.parent))
    relations = {
        key: msgspec.structs.replace(relation, party=renamed(relation.party))
        for key, relation in says.relations.items()
    }
    references = tuple(named(each) for each in says.references)
    return msgspec.structs.replace(says, hierarchy=hierarchy, relations=relations, references=references)
