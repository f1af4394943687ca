"""Merging rows: the master stays, losers go to the recycle bin and name it, what pointed at them moves over."""

from collections.abc import Sequence
from typing import Any

from crossdock.adapters.salesforce.simulator.failures import ApiError
from crossdock.adapters.salesforce.simulator.org import Org, Transaction
from crossdock.adapters.salesforce.simulator.records import relations
from crossdock.adapters.salesforce.simulator.records.lookup import live_row
from crossdock.adapters.salesforce.simulator.records.writer import Writer
from crossdock.adapters.salesforce.simulator.tables.schema import SYSTEM_FIELDS, SObject
from crossdock.adapters.salesforce.simulator.tables.store import Row

MERGEABLE = frozenset({"Account", "Contact", "Individual"})
LOSERS_MAX = 2
MASTER = "MasterRecordId"


def merge(
    org: Org, transaction: Transaction, name: str, master: str, losers: Sequence[str], values: dict[str, Any]
) -> list[str]:
    """Merge up to two rows into `master` and set `values` on it; return the ids of the rows that moved over.

    Raises ApiError in the vendor's words; then nothing was written. The losers are deleted before the master is
    written, so that it may take over their unique values, as it may there.
    """
    sobject = org.schema.get(name)
    if sobject.name not in MERGEABLE:
        raise ApiError("INVALID_TYPE", f"merge is not supported for {sobject.name}")
    if not 0 < len(losers) <= LOSERS_MAX:
        raise ApiError("INVALID_ARGUMENT", f"One or {LOSERS_MAX} records can be merged into a master record")
    kept = live_row(org, sobject, master)
    gone = [live_row(org, sobject, loser) for loser in losers]
    if len({kept["Id"], *(row["Id"] for row in gone)}) <= len(gone):
        raise ApiError("INVALID_OPERATION", "A record can't be merged with itself")
    if any(row.get("IsPersonAccount") != kept.get("IsPersonAccount") for row in gone):
        raise ApiError("INVALID_OPERATION", "Person accounts and business accounts can't be merged")
    if sobject.name == "Contact" and kept["IsPersonAccount"]:
        raise ApiError("INVALID_OPERATION", "Contacts of person accounts are merged by their accounts")
    moved: list[str] = []
    for row in gone:
        moved += _absorb(org, transaction, sobject, row, kept)
    relations.drop_doubles(org, transaction, sobject.name, kept["Id"])
    Writer(org, transaction).update(sobject.name, kept["Id"], values)
    return moved


def _absorb(org: Org, transaction: Transaction, sobject: SObject, loser: Row, master: Row) -> list[str]:
    """Bin one loser and move its children; the contact beside a person account shares its fate."""
    org.lock(transaction.actor, sobject, frozenset({loser["Id"], master["Id"]}))
    moved: list[str] = []
    if sobject.name == "Account" and loser["IsPersonAccount"]:
        contact = org.schema.get("Contact")
        rows = org.store.table(contact).rows
        twin, other = rows[loser["PersonContactId"]], rows[master["PersonContactId"]]
        moved += _absorb(org, transaction, contact, twin, other)
    moved += _move_children(org, transaction, sobject, loser["Id"], master["Id"])
    stamp = org.stamp(transaction, sobject)
    stamps = {"LastModifiedDate": stamp, "SystemModstamp": stamp}
    org.store.write(sobject, loser["Id"], {**loser, **stamps, "IsDeleted": True, MASTER: master["Id"]})
    transaction.touched.add(loser["Id"])
    return moved


def _move_children(org: Org, transaction: Transaction, sobject: SObject, loser: str, master: str) -> list[str]:
    moved: list[str] = []
    for child in org.schema.children(sobject.name):
        holder = org.schema.get(child.sobject)
        if child.field in SYSTEM_FIELDS or child.field == MASTER or holder.name.endswith("History"):
            continue
        table = org.store.table(holder)
        stamp = org.stamp(transaction, holder)
        for row_id in table.matching(child.field, loser):
            stamps = {"LastModifiedDate": stamp, "SystemModstamp": stamp}
            org.store.write(holder, row_id, {**table.rows[row_id], **stamps, child.field: master})
            if org.settings.merge_announces_children:
                transaction.touched.add(row_id)
            moved.append(row_id)
    return moved
