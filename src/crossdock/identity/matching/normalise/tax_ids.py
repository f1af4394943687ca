"""Tax ids without punctuation, checked by their public checksums (python-stdnum)."""

from functools import lru_cache
from types import ModuleType

import stdnum.eu.vat
from stdnum.au import abn, tfn
from stdnum.br import cnpj, cpf
from stdnum.ca import bn, sin
from stdnum.ch import uid
from stdnum.de import idnr, stnr
from stdnum.es import nif
from stdnum.exceptions import ValidationError
from stdnum.fr import nif as fr_nif
from stdnum.fr import siren, siret
from stdnum.gb import utr
from stdnum.gb import vat as gb_vat
from stdnum.it import codicefiscale, iva
from stdnum.mx import rfc
from stdnum.nl import bsn, btw
from stdnum.no import mva, orgnr
from stdnum.pl import nip, pesel
from stdnum.us import ein, ssn

from crossdock.identity.matching.normalise.text import compact
from crossdock.identity.matching.record import TaxId

LENGTH_MIN, LENGTH_MAX = 4, 32

CHECKED: dict[str, tuple[ModuleType, ...]] = {
    "AU": (abn, tfn),
    "BR": (cnpj, cpf),
    "CA": (bn, sin),
    "CH": (uid,),
    "DE": (idnr, stnr),
    "ES": (nif,),
    "FR": (siren, siret, fr_nif),
    "GB": (gb_vat, utr),
    "IT": (iva, codicefiscale),
    "MX": (rfc,),
    "NL": (btw, bsn),
    "NO": (mva, orgnr),
    "PL": (nip, pesel),
    "US": (ein, ssn),
}
"""National numbers by country, those first that only organisations have; all with a checksum or a strict form."""

_WITHOUT_CHECKSUM = frozenset({"stdnum.us.ein", "stdnum.us.ssn", "stdnum.de.stnr", "stdnum.mx.rfc"})
_EU = frozenset(state.upper() for state in stdnum.eu.vat.MEMBER_STATES)


def tax_id_of(text: str, country: str = "") -> TaxId | None:
    """The number with its country and whether its checksum holds; None where nothing was written.

    The country stands before it (`DE136695976`, `US:…`), or `country` is taken. `valid` is said only of forms
    with a checksum: such a number is no typing error.
    """
    return _tax_id_of(text[:64], country.upper())


@lru_cache(maxsize=65_536)
def _tax_id_of(text: str, country: str) -> TaxId | None:
    prefix, colon, rest = text.partition(":")
    if colon and len(prefix.strip()) == 2:  # noqa: PLR2004 - alpha-2
        country, text = prefix.strip().upper(), rest
    value = compact(text)[:LENGTH_MAX]
    if len(value) < LENGTH_MIN or len(set(value)) == 1:
        return None
    if value[:2].isalpha() and value[:2] in {*_EU, "GB", "EL", "CH", "XI"} and (plain := _vat(value)):
        return TaxId(plain, "GR" if value[:2] == "EL" else value[:2], valid=True)
    if country and value.startswith(country):
        value = value[2:]
    if country in _EU and (plain := _vat(country + value)):
        return TaxId(plain, country, valid=True)
    for form in CHECKED.get(country, ()):
        if _holds(form, value):
            return TaxId(value, country, valid=form.__name__ not in _WITHOUT_CHECKSUM)
    return TaxId(value, country)


def _vat(value: str) -> str:
    """A VAT number without its country, where its checksum holds."""
    if value[:2] == "CH":
        return value if _holds(uid, value[: len("CHE123456789")]) else ""
    if value[:2] == "GB":
        return value[2:] if _holds(gb_vat, value[2:]) else ""
    return value[2:] if _holds(stdnum.eu.vat, value) else ""


def _holds(form: ModuleType, value: str) -> bool:
    try:
        form.validate(value)
    except (ValidationError, ValueError, KeyError, IndexError):
        return False
    return True
