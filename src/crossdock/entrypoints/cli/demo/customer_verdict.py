"""Whether every promise about customers was kept: what the ERP and Salesforce have, against what was seen done."""

from collections.abc import Mapping, Sequence

import msgspec

from crossdock.entrypoints.cli.demo import people
from crossdock.entrypoints.cli.demo.books import Listed
from crossdock.entrypoints.cli.demo.verdict import Promise, promise

BEFORE, AFTER = "refused: credit-pending", "accepted"
"""How an order on invoice has to end before the company's credit is approved, and after."""

ONBOARDING, RECOGNITION, OWNERSHIP, DOUBT = "onboarding", "recognition", "ownership", "doubt"
"""What happens to customers in the course of the day."""

THREADS = 4


class Shown(msgspec.Struct, frozen=True, kw_only=True):
    """What an account in Salesforce shows of what the ERP says."""

    number: str = ""
    status: str = ""
    credit: str = ""
    terms: str = ""
    street: str = ""


class Onboarded(msgspec.Struct, kw_only=True):
    """The new company: how Salesforce showed it before the credit was approved, who did, how its orders ended."""

    while_pending: Shown = Shown()
    approved_by: str = ""
    before: str = ""
    after: str = ""
    at_last: Shown = Shown()


class Owned(msgspec.Struct, kw_only=True):
    """A customer of old, by number: what finance set, where invoices go, what became of a rep's words."""

    number: str = ""
    street: str = ""
    terms: str = ""
    shown_after_finance: str = ""
    kept: tuple[str, ...] = ()
    at_last: Shown = Shown()


class Doubtful(msgspec.Struct, kw_only=True):
    """Two records in doubt: how many of them the ERP had until somebody decided, and who did, with which word."""

    review: int = 0
    bits: float = 0.0
    while_open: int = 0
    decided_by: str = ""
    at_last: Shown = Shown()


class CustomerEvidence(msgspec.Struct, kw_only=True):
    """All that the verdict rests on. `listed` is whom the ERP has at the end, asked from itself.

    `missed` says of what did not come to its end what it waited for.
    """

    erp: str
    decides: bool
    onboarded: Onboarded = msgspec.field(default_factory=Onboarded)
    person: Shown = Shown()
    owned: Owned = msgspec.field(default_factory=Owned)
    doubtful: Doubtful = msgspec.field(default_factory=Doubtful)
    missed: Mapping[str, str] = {}
    listed: Sequence[Listed] = ()

    def in_erp(self, *emails: str) -> list[Listed]:
        """Whom the ERP has under these addresses."""
        return with_email(self.listed, *emails)


def with_email(listed: Sequence[Listed], *emails: str) -> list[Listed]:
    """Who has one of these addresses of e-mail, however they are written."""
    wanted = {email.casefold() for email in emails}
    return [one for one in listed if wanted & {email.casefold() for email in one.emails}]


def judge_customers(evidence: CustomerEvidence) -> tuple[Promise, ...]:
    """Every promise, kept or not."""
    return (
        _numbered_once(evidence),
        _invoice_after_approval(evidence),
        _nobody_twice(evidence),
        _terms_told(evidence),
        _owner_not_overwritten(evidence),
        _doubt_decided(evidence),
    )


def _numbered_once(evidence: CustomerEvidence) -> Promise:
    """A company gets one number from the ERP, and Salesforce shows it."""
    found, shown = evidence.in_erp(people.COMPANY_EMAIL), evidence.onboarded.at_last
    exceptions = _missed(evidence, ONBOARDING) + _not_one(evidence, found, people.COMPANY_NAME)
    if found and shown.number != found[0].number:
        exceptions.append(f"Salesforce shows {shown.number or 'no number'}, {evidence.erp} has {found[0].number}")
    number = f"its number {shown.number}" if shown.number else "no number"
    return promise(
        "a company numbered once", f"{len(found)} in {evidence.erp}, Salesforce shows {number}", exceptions
    )


def _invoice_after_approval(evidence: CustomerEvidence) -> Promise:
    """Until its credit is approved a company is provisional, and may not order on invoice; then it may."""
    seen, exceptions = evidence.onboarded, _missed(evidence, ONBOARDING)
    showed = (seen.while_pending.status, seen.while_pending.credit)
    if showed != ("provisional", "pending"):
        exceptions.append(f"before the approval Salesforce showed {_or_nothing(*showed)}")
    if seen.before != BEFORE:
        exceptions.append(f"before the approval its order was {seen.before or 'not decided'}")
    if seen.after != AFTER:
        exceptions.append(f"after the approval its order was {seen.after or 'not decided'}")
    shows = (seen.at_last.status, seen.at_last.credit)
    if shows != ("active", "approved"):
        exceptions.append(f"after the approval Salesforce shows {_or_nothing(*shows)}")
    (terms, *_) = [one.terms for one in evidence.in_erp(people.COMPANY_EMAIL)] or [""]
    if not terms == seen.at_last.terms == people.APPROVED_TERMS:
        exceptions.append(f"{people.APPROVED_TERMS} were granted, {evidence.erp} has {terms or 'no terms'}")
    by = f", taken once {seen.approved_by} approved" if seen.approved_by else ""
    return promise("no invoice without credit", f"order refused while provisional{by}", exceptions)


def _nobody_twice(evidence: CustomerEvidence) -> Promise:
    """A person who comes by two channels, spelled in two ways, is one customer of the ERP."""
    found = evidence.in_erp(people.PERSON_EMAIL)
    exceptions = _missed(evidence, RECOGNITION) + _not_one(evidence, found, people.PERSON_NAME)
    if found and evidence.person.number != found[0].number:
        shown = evidence.person.number or "no number"
        exceptions.append(f"Salesforce shows {shown}, {evidence.erp} has {found[0].number}")
    figure = f"{len(found)} in {evidence.erp} for {people.PERSON_NAME} and {people.PERSON_AT_TILL}"
    return promise("one person, one customer", figure, exceptions)


def _terms_told(evidence: CustomerEvidence) -> Promise:
    """Terms that finance changes in the ERP are shown in Salesforce."""
    owned, exceptions = evidence.owned, _missed(evidence, OWNERSHIP)
    if owned.shown_after_finance != people.OTHER_TERMS:
        shown = owned.shown_after_finance or "no terms"
        exceptions.append(f"finance gave {people.OTHER_TERMS}, Salesforce showed {shown}")
    figure = f"{owned.number or 'nobody'} pays {_quoted(_of_old(evidence).terms)} in {evidence.erp}"
    return promise("terms reach Salesforce", f"{figure}, {_quoted(owned.at_last.terms)} there", exceptions)


def _owner_not_overwritten(evidence: CustomerEvidence) -> Promise:
    """What a rep types that is the ERP's to say changes nothing there, is put right, and is not lost."""
    owned, old, exceptions = evidence.owned, _of_old(evidence), _missed(evidence, OWNERSHIP)
    if old.terms != people.OTHER_TERMS or old.street != owned.street:
        exceptions.append(f"{evidence.erp} has {_or_nothing(old.terms, old.street)}: a rep's words got there")
    if owned.at_last.terms != old.terms or owned.at_last.street != old.street:
        exceptions.append(f"Salesforce shows {_or_nothing(owned.at_last.terms, owned.at_last.street)}")
    exceptions += [f"nothing was {what}" for what in ("refused", "proposed") if what not in owned.kept]
    words = ", ".join(f"1 {what}" for what in owned.kept) or "all of it lost"
    return promise("nothing overwritten or lost", f"2 words of a rep: {words}, 0 in {evidence.erp}", exceptions)


def _doubt_decided(evidence: CustomerEvidence) -> Promise:
    """While it is in doubt whether two are one, the ERP gets no second; a person decides, and is named."""
    seen, exceptions = evidence.doubtful, _missed(evidence, DOUBT)
    found = evidence.in_erp(*people.TWO_EMAILS)
    due = 2 if seen.decided_by else 1
    if seen.review and seen.while_open != 1:
        exceptions.append(f"{evidence.erp} had {seen.while_open} while it was in doubt, instead of 1")
    if len(found) != due:
        exceptions.append(f"{evidence.erp} has {len(found)} of them, instead of {due}")
    if evidence.decides and not seen.decided_by:
        exceptions.append("nobody has decided")
    if seen.decided_by and seen.at_last.number not in {one.number for one in found}:
        exceptions.append(f"Salesforce shows {seen.at_last.number or 'no number'} of the second one")
    if seen.decided_by:
        figure = f"{seen.decided_by} said: two people; {evidence.erp} had {seen.while_open}, and has {len(found)}"
    else:
        figure = f"waits in the console for you; until then {evidence.erp} has {len(found)} of 2"
    return promise("in doubt a person decides", figure, exceptions)


def _missed(evidence: CustomerEvidence, what: str) -> list[str]:
    return [f"waited in vain for {evidence.missed[what]}"] if what in evidence.missed else []


def _not_one(evidence: CustomerEvidence, found: Sequence[Listed], name: str) -> list[str]:
    numbers = ", ".join(one.number for one in found)
    return [] if len(found) == 1 else [f"{evidence.erp} has {len(found)} of {name}: {numbers or 'nobody'}"]


def _of_old(evidence: CustomerEvidence) -> Listed:
    nobody = Listed(number="", name="")
    return next((one for one in evidence.listed if one.number == evidence.owned.number), nobody)


def _or_nothing(*values: str) -> str:
    return " and ".join(value or "nothing" for value in values)


def _quoted(text: str) -> str:
    return f"“{text}”" if text else "nothing"
