"""Person accounts: an account that is one person, and the contact that the org keeps beside it as a twin.

A row becomes one when it is created with a last name and without a name. The account is what callers write; the
contact follows, in the same transaction, and is announced beside it.
"""

from collections.abc import Mapping
from typing import Any

from crossdock.adapters.salesforce.simulator.failures import ApiError
from crossdock.adapters.salesforce.simulator.tables.schema import SObject
from crossdock.adapters.salesforce.simulator.tables.store import Row

_ADDRESS_PARTS = ("Street", "City", "State", "PostalCode", "Country", "Latitude", "Longitude", "GeocodeAccuracy")

TWIN_FIELDS: Mapping[str, str] = {
    "LastName": "LastName",
    "FirstName": "FirstName",
    "Salutation": "Salutation",
    "Name": "Name",
    "Phone": "Phone",
    "PersonEmail": "Email",
    "PersonMobilePhone": "MobilePhone",
    "PersonTitle": "Title",
    "PersonBirthdate": "Birthdate",
    "PersonHasOptedOutOfEmail": "HasOptedOutOfEmail",
    "PersonDoNotCall": "DoNotCall",
    "PersonIndividualId": "IndividualId",
    **{f"PersonMailing{part}": f"Mailing{part}" for part in _ADDRESS_PARTS},
}
"""Which field of the contact shows what the account holds."""

_PERSONS_OWN = frozenset(TWIN_FIELDS) - {"Name", "Phone"}


def is_twin(sobject: SObject, row: Row) -> bool:
    """Whether a contact only mirrors a person account: callers write the account instead."""
    return sobject.name == "Contact" and bool(row["IsPersonAccount"])


def as_account(before: Row | None, row: Row, given: set[str]) -> None:
    """Make an account that is about to be written a person's or a business's, and name it. Raises ApiError.

    `given` are the fields the caller named. Whether an account is a person's never changes afterwards.
    """
    person = bool(before["IsPersonAccount"]) if before is not None else row["LastName"] is not None
    wrong = {"Name"} & given if person else {name for name in _PERSONS_OWN & given if row[name]}
    if wrong:
        raise ApiError(
            "INVALID_FIELD_FOR_INSERT_UPDATE",
            f"Account: bad field names on insert/update call: {', '.join(sorted(wrong))}",
            fields=sorted(wrong),
        )
    row["IsPersonAccount"] = person
    if person:
        row["Name"] = " ".join(part for part in (row["FirstName"], row["LastName"]) if part)


def twin_values(account: Row) -> dict[str, Any]:
    """What the contact beside a person account shows."""
    shown = {contact: account[own] for own, contact in TWIN_FIELDS.items()}
    kept = {name: account[name] for name in ("CurrencyIsoCode", "OwnerId", "LastModifiedDate", "LastModifiedById")}
    return {**shown, **kept, "AccountId": account["Id"], "IsPersonAccount": True}


def twin_refused() -> ApiError:
    """A caller wrote the contact of a person account."""
    return ApiError(
        "INVALID_OPERATION", "The contact of a person account can't be written: write the account.", fields=[]
    )
