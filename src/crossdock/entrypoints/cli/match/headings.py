"""Which attribute a column of somebody's file holds: as told with `--map`, else guessed by its heading."""

from collections.abc import Mapping, Sequence

from crossdock.identity.matching.table import EXTRA, REFERENCE, SEVERAL, SEVERAL_MAX, SINGLE
from crossdock.kit.errors import Finding, Invalid

ID = "id"
LEFT_OUT = "-"
"""What a column is mapped to that says nothing of whom the record is."""
ATTRIBUTES = (ID, *SINGLE, *SEVERAL)
_GUESSES = {
    ID: "id key recordid customerid kundennummerintern uniqueid recid externalid sfid accountid contactid",
    "kind": "kind type recordtype entitytype customertype kundentyp",
    "given": "given givenname firstname forename first vorname prenom nombre nome fname",
    "middle": "middle middlename secondname zweitername middlenames",
    "family": "family familyname lastname surname last nachname familienname nom apellido apellidos cognome lname",
    "suffix": "suffix namesuffix generation namenszusatz",
    "name": "name fullname full customername contactname displayname kundenname",
    "other_name": "othername birthname maidenname formername geburtsname nomdenaissance alias tradename "
    "tradingname dba brand brandname",
    "organisation": "organisation organization company companyname firma firmenname business businessname "
    "accountname legalname societe empresa azienda",
    "legal_form": "legalform rechtsform formejuridique",
    "registration": "registration registrationnumber registernumber hrb handelsregister companynumber siren",
    "birth_date": "born birthdate dateofbirth dob birthday geburtsdatum geburtstag datenaissance birth",
    "country": "country countrycode land pays pais paese nation",
    "house": "house housenumber streetnumber hausnummer hausnr nr numero",
    "postcode": "postcode postalcode zip zipcode plz codepostal cap cp postal",
    "city": "city town ort stadt ville ciudad citta suburb locality place",
    "region": "region state province bundesland county stateprovince",
    "email": "email emailaddress mail emails email1 email2 epost courriel correo privateemail workemail",
    "verified_email": "verifiedemail emailverified",
    "phone": "phone phonenumber telephone tel telefon mobile mobilephone cell handy phone1 phone2 telephone1 "
    "homephone workphone mobil telefono",
    "line": "street address address1 address2 addressline1 addressline2 streetaddress line1 line2 strasse "
    "street1 street2 adresse rue calle via addr addressline extra addressextra",
    "tax_id": "tax taxid vat vatid vatnumber taxnumber ustid ustidnr steuernummer ssn socsecid siret nif",
    "loyalty_id": "loyalty loyaltyid loyaltynumber card cardnumber kundenkarte bonuscard memberid",
    "customer_number": "customernumber kundennummer kundennr accountnumber customerno clientnumber debitor",
}
_BY_HEADING = {heading: name for name, headings in _GUESSES.items() for heading in headings.split()}
_ACCENTS = str.maketrans("äöüéèêáàâíóúñçß", "aoueeeaaaiouncs")


def plain(heading: str) -> str:
    """A heading without case, accents and anything but letters and digits."""
    return "".join(letter for letter in heading.lower().translate(_ACCENTS) if letter.isalnum())


def parse_maps(told: Sequence[str]) -> dict[str, str]:
    """`COLUMN=ATTRIBUTE` by column. Raises Invalid with every fault."""
    found: dict[str, str] = {}
    findings = []
    for one in told:
        column, equals, name = one.rpartition("=")
        if not equals or not column:
            findings.append(Finding("map-faulty", f"--map {one}", "write it as COLUMN=ATTRIBUTE"))
        elif not (name in {*ATTRIBUTES, LEFT_OUT} or name.startswith((EXTRA, REFERENCE))):
            known = ", ".join([*ATTRIBUTES, f"{EXTRA}NAME", f"{REFERENCE}SYSTEM", LEFT_OUT])
            findings.append(Finding("map-faulty", f"--map {one}", f"there is no {name}; there are {known}"))
        found[column] = name
    if findings:
        raise Invalid("columns cannot be mapped like that", code="map-faulty", findings=findings)
    return found


def attributes_of(file: str, headings: Sequence[str], told: Mapping[str, str]) -> dict[str, str]:
    """The attribute of each column that holds one, by heading. Raises Invalid with every fault.

    Where several columns claim an attribute of which a record has one, the first keeps it; what was told wins.
    """
    findings = []
    chosen = {column: name for column, name in told.items() if column in headings}
    counts: dict[str, int] = {}
    for name in chosen.values():
        counts[name] = counts.get(name, 0) + 1
    findings += [
        Finding("column-twice", f"{file}, column {column}", f"{name} is told for {counts[name]} columns")
        for column, name in chosen.items()
        if name != LEFT_OUT and counts[name] > _most(name)
    ]
    for heading in headings:
        name = _BY_HEADING.get(plain(heading), "")
        if heading not in chosen and name and counts.get(name, 0) < _most(name):
            chosen[heading] = name
            counts[name] = counts.get(name, 0) + 1
    found = {column: name for column, name in chosen.items() if name != LEFT_OUT}
    if not findings and not set(found.values()) - {ID, "kind", "country"}:
        there = ", ".join(headings) or "none"
        words = (
            f"nothing in it says who somebody is; its columns: {there}. Say what they hold: --map COLUMN=ATTRIBUTE"
        )
        findings.append(Finding("columns-unknown", file, words))
    if findings:
        raise Invalid(f"{file} cannot be taken as it is", code=findings[0].code, findings=findings)
    return found


def _most(name: str) -> int:
    return SEVERAL_MAX if name in SEVERAL else 1
