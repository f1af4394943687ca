"""Whether a company can be who it says it is: numbers by their public checksums, tax exemption by its certificate.

A number that holds is no proof that the company exists; one that does not is a typing error or worse. What a
country's register or tax office keeps without a checksum cannot be judged here and passes.

Requirements: CUS-22, SCN-08.
"""

from collections.abc import Mapping
from datetime import date
from types import ModuleType
from typing import Any

import stdnum
import stdnum.eu.vat
from stdnum.au import acn
from stdnum.br import cnpj
from stdnum.ch import uid
from stdnum.de import handelsregisternummer
from stdnum.exceptions import ValidationError
from stdnum.fi import ytunnus
from stdnum.fr import siren
from stdnum.no import orgnr as norwegian
from stdnum.pl import regon
from stdnum.se import orgnr as swedish
from stdnum.us import ein

from crossdock.canonical.party import Party
from crossdock.kit.errors import Finding

REGISTERS: Mapping[str, ModuleType] = {
    "AU": acn,
    "BR": cnpj,
    "CH": uid,
    "DE": handelsregisternummer,
    "FI": ytunnus,
    "FR": siren,
    "NO": norwegian,
    "PL": regon,
    "SE": swedish,
}
"""How the registers of these countries number companies; others' numbers pass as they are."""

_TAX: Mapping[str, ModuleType] = {"CH": uid, "US": ein}
_EU = frozenset(state.upper() for state in stdnum.eu.vat.MEMBER_STATES)


def check_legal_entity(party: Party) -> list[Finding]:
    """What is wrong with the registration and tax numbers, each with its path. What is missing is not judged."""
    findings = []
    country = party.organisation.registered_in or _billing_country(party)
    number, tax = party.organisation.registration_number, party.tax.number
    register = REGISTERS.get(country)
    if number and register is not None and not _holds(register, number):
        message = f"this is no registration number of {country}"
        path = "$.organisation.registration_number"
        findings.append(Finding("registration-number-wrong", path, message))
    if tax and not tax_number_holds(tax, country):
        findings.append(Finding("tax-number-wrong", "$.tax.number", f"this is no tax number of {country}"))
    return findings


def tax_number_holds(number: str, country: str) -> bool:
    """Whether it is a tax number of that country, with or without its letters; True where nobody can say."""
    compact = "".join(each for each in number.upper() if each.isalnum())
    letters = "EL" if country == "GR" else country
    if country in _EU:
        european = compact if compact.startswith(letters) else letters + compact
        return _holds(stdnum.eu.vat, european)
    form = _TAX.get(country) or (stdnum.get_cc_module(country, "vat") if country else None)
    return form is None or _holds(form, compact) or _holds(form, compact.removeprefix(country))


def check_exemption(party: Party, today: date) -> list[Finding]:
    """What is missing or over with a tax exemption that is claimed: certificate, where it holds, until when."""
    claimed = party.tax.exemption
    if not claimed.exempt:
        return []
    findings = []
    if not claimed.certificate:
        message = "whoever is exempt from tax shows a certificate"
        findings.append(Finding("certificate-missing", "$.tax.exemption.certificate", message))
    if claimed.certificate and not claimed.region:
        message = "the certificate says in which region it holds"
        findings.append(Finding("certificate-region-missing", "$.tax.exemption.region", message))
    if claimed.valid_until and claimed.valid_until < today:
        message = f"the certificate ended on {claimed.valid_until.isoformat()}"
        findings.append(Finding("certificate-over", "$.tax.exemption.valid_until", message))
    return findings


def is_exempt(party: Party, today: date) -> bool:
    """Whether no tax is charged today: claimed, and nothing is wrong with the claim."""
    return bool(party.tax.exemption.exempt) and not check_exemption(party, today)


def _billing_country(party: Party) -> str:
    return party.billing.address.country or ""


def _holds(form: Any, number: str) -> bool:
    try:
        form.validate(number)
    except (ValidationError, ValueError, KeyError, IndexError):
        return False
    return True
