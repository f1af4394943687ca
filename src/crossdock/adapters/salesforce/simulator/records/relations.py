"""Contacts of several accounts: the org keeps a direct relation to a contact's own account, people the others.

It takes the feature *Contacts to Multiple Accounts*. The contact of a person account has none.
"""

from collections.abc import Iterator
from typing import Any

from crossdock.adapters.salesforce.simulator.failures import ApiError
from crossdock.adapters.salesforce.simulator.org import Org, Transaction
from crossdock.adapters.salesforce.simulator.tables.store import Row

RELATION = "AccountContactRelation"


def due(org: Org, contact: Row) -> Iterator[tuple[str | None, dict[str, Any]]]:
    """What becomes of a contact's relations once it is written: the id of one, or None for a new one, and values.

    A relation to the account that was its own before stays, and is direct no more.
    """
    if org.schema.find(RELATION) is None or contact["IsPersonAccount"]:
        return
    if any(name == RELATION for name, _ in org.binned_with.get(contact["Id"], ())):
        return  # they come back with the contact
    own = contact["AccountId"]
    rows = org.table(RELATION).rows
    present = {
        rows[one]["AccountId"]: rows[one] for one in org.table(RELATION).matching("ContactId", contact["Id"])
    }
    for account, row in present.items():
        if row["IsDirect"] is not (account == own):
            yield row["Id"], {"IsDirect": account == own}
    if own is not None and own not in present:
        yield None, {"AccountId": own, "ContactId": contact["Id"], "IsDirect": True, "IsActive": True}


def check(org: Org, before: Row | None, row: Row) -> None:
    """Check a relation that somebody writes. Raises ApiError."""
    if before is not None or row["IsDirect"]:
        return
    contact = org.table("Contact").live(row["ContactId"])
    assert contact is not None, "references were checked"
    if contact["AccountId"] is None or contact["IsPersonAccount"]:
        words = "A private contact can't be related to accounts"
        raise ApiError("FIELD_INTEGRITY_EXCEPTION", words, fields=["ContactId"])
    rows = org.table(RELATION).rows
    if any(
        rows[one]["AccountId"] == row["AccountId"]
        for one in org.table(RELATION).matching("ContactId", contact["Id"])
    ):
        raise ApiError("DUPLICATE_VALUE", "This contact already has a relationship with this account.", fields=[])


def check_gone(org: Org, row: Row) -> None:
    """Check that a relation may be deleted by itself. Raises ApiError."""
    contact = org.table("Contact").live(row["ContactId"])
    if row["IsDirect"] and contact is not None and contact["AccountId"] == row["AccountId"]:
        raise ApiError("DELETE_FAILED", "A direct relationship goes with the contact's account.", fields=[])


def drop_doubles(org: Org, transaction: Transaction, sobject: str, master: str) -> None:
    """After a merge bin the relations that say what another one says: of two, the one that is not direct."""
    if org.schema.find(RELATION) is None or sobject not in {"Account", "Contact"}:
        return
    table, relation = org.table(RELATION), org.schema.get(RELATION)
    other = "ContactId" if sobject == "Account" else "AccountId"
    seen: set[str] = set()
    own = [table.rows[one] for one in table.matching(f"{sobject}Id", master)]
    for row in sorted(own, key=lambda row: not row["IsDirect"]):
        if row[other] in seen:
            stamps = dict.fromkeys(("LastModifiedDate", "SystemModstamp"), org.stamp(transaction, relation))
            org.store.write(relation, row["Id"], {**row, **stamps, "IsDeleted": True})
            transaction.touched.add(row["Id"])
        seen.add(row[other])
