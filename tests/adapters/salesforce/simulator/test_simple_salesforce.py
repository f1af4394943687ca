"""A client we did not write, simple-salesforce, finds here what it finds at the vendor."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
from requests.adapters import HTTPAdapter
from simple_salesforce.api import Salesforce as Client
from simple_salesforce.exceptions import (
    SalesforceAuthenticationFailed,
    SalesforceMalformedRequest,
    SalesforceMoreThanOneRecord,
    SalesforceResourceNotFound,
)

from crossdock.adapters.salesforce.simulator import SalesforceSimulator
from crossdock.adapters.salesforce.simulator.settings import OrgSettings
from crossdock.adapters.salesforce.simulator.tables.schema import Field

Salesforce: Any = Client  # it makes its attributes up as it goes, which no checker follows


class ToLoopback(HTTPAdapter):
    """Sends to the simulator what the client means for the vendor's hosts, which it writes itself."""

    def __init__(self, base: str) -> None:
        super().__init__()
        self._base = base

    def send(self, request: requests.PreparedRequest, *args: Any, **more: Any) -> requests.Response:
        parts = urlsplit(str(request.url))
        request.url = f"{self._base}{parts.path}" + (f"?{parts.query}" if parts.query else "")
        return super().send(request, *args, **more)


@pytest.fixture(scope="module")
def org() -> Iterator[SalesforceSimulator]:
    with SalesforceSimulator(OrgSettings(query_page_rows=200), tls=True) as simulator:
        yield simulator


@pytest.fixture(scope="module")
def plain() -> Iterator[SalesforceSimulator]:
    with SalesforceSimulator() as simulator:
        yield simulator


@pytest.fixture(scope="module")
def sf(org: SalesforceSimulator) -> Iterator[Any]:
    """Signed in over TLS, trusting the simulator's certificate."""
    with requests.Session() as session:
        session.verify, session.trust_env = str(org.certificate), False
        credentials = org.credentials
        basic = (credentials.client_id, credentials.client_secret)
        answer = session.post(credentials.token_url, data={"grant_type": "client_credentials"}, auth=basic)
        token = answer.json()["access_token"]
        yield Salesforce(session_id=token, instance_url=org.instance_url, session=session, version="60.0")


@pytest.fixture
def session(plain: SalesforceSimulator) -> Iterator[requests.Session]:
    with requests.Session() as session:
        session.trust_env = False
        session.mount("https://", ToLoopback(plain.instance_url))
        yield session


def test_it_signs_in_by_jwt_and_again_when_the_session_has_expired(
    plain: SalesforceSimulator, session: requests.Session
) -> None:
    credentials = plain.credentials
    sf = Salesforce(
        username=credentials.username,
        consumer_key=credentials.client_id,
        privatekey=credentials.private_key,
        session=session,
    )
    before = sf.session_id

    plain.expire_sessions()

    assert sf.query("SELECT COUNT() FROM User")["totalSize"] == 1
    assert sf.session_id != before


def test_it_signs_in_by_client_credentials(plain: SalesforceSimulator, session: requests.Session) -> None:
    credentials = plain.credentials
    sf = Salesforce(
        consumer_key=credentials.client_id,
        consumer_secret=credentials.client_secret,
        domain="shop.my",
        session=session,
    )

    info: Any = sf.oauth2("userinfo")

    assert info["organization_id"] == plain.organization_id
    assert info["preferred_username"] == credentials.username


def test_it_signs_in_by_name_and_password_over_soap(plain: SalesforceSimulator, session: requests.Session) -> None:
    credentials = plain.credentials
    names = {"username": credentials.username, "security_token": "", "session": session}

    sf = Salesforce(password=credentials.password, **names)

    assert sf.is_sandbox() is False
    with pytest.raises(SalesforceAuthenticationFailed, match="INVALID_LOGIN"):
        Salesforce(password="wrong", **names)


def test_it_reads_why_a_consumer_is_not_approved(plain: SalesforceSimulator, session: requests.Session) -> None:
    credentials = plain.credentials
    nobody = {"username": "nobody@example.com", "privatekey": credentials.private_key, "session": session}

    with (
        pytest.raises(SalesforceAuthenticationFailed, match="invalid_grant"),
        pytest.warns(UserWarning, match="authorize this"),
    ):
        Salesforce(consumer_key=credentials.client_id, **nobody)


def test_it_creates_reads_changes_and_deletes_a_row(sf: Any) -> None:
    created: Any = sf.Account.create({"Name": "Anvil & Söhne", "BillingCity": "Köln"})
    record_id = created["id"]

    assert created == {"id": record_id, "success": True, "errors": []}
    assert sf.Account.update(record_id, {"BillingCity": None}) == 204
    row: Any = sf.Account.get(record_id)
    assert (row["Name"], row["BillingCity"], row["BillingAddress"]) == ("Anvil & Söhne", None, None)
    assert sf.Account.delete(record_id) == 204
    with pytest.raises(SalesforceResourceNotFound, match="ENTITY_IS_DELETED"):
        sf.Account.get(record_id)


def test_it_upserts_by_an_external_id(sf: Any) -> None:
    assert sf.Account.upsert("ErpId__c/U-1", {"Name": "First"}) == 201
    assert sf.Account.upsert("ErpId__c/U-1", {"Name": "Second"}) == 200

    row: Any = sf.Account.get_by_custom_id("ErpId__c", "u-1")

    assert row["Name"] == "Second"
    with pytest.raises(SalesforceMalformedRequest, match="DUPLICATE_VALUE"):
        sf.Account.create({"Name": "Third", "ErpId__c": "U-1"})


def test_it_hears_when_an_external_id_names_several_rows(org: SalesforceSimulator, sf: Any) -> None:
    org.add_field("Contact", Field(name="Legacy__c", length=20, external_id=True))
    org.seed.rows("Contact", [{"LastName": name, "Legacy__c": "7"} for name in ("Ada", "Bob")])

    with pytest.raises(SalesforceMoreThanOneRecord):
        sf.Contact.get_by_custom_id("Legacy__c", "7")


def test_it_follows_pages_to_the_end_and_knows_the_allowance(org: SalesforceSimulator, sf: Any) -> None:
    org.seed.rows("Product2", [{"Name": f"Part {number}"} for number in range(450)])

    found = sf.query_all("SELECT Id, Name FROM Product2 WHERE Name LIKE 'Part %' ORDER BY CreatedDate")

    assert [record["Name"] for record in found["records"]] == [f"Part {number}" for number in range(450)]
    usage: Any = sf.api_usage["api-usage"]
    assert usage.used >= 3
    assert usage.total == org.settings.api_requests_per_day


def test_it_inserts_in_bulk_and_learns_which_rows_failed(sf: Any) -> None:
    records = [{"Name": f"Bulk {number}", "ErpId__c": f"BU-{number % 498}"} for number in range(500)]

    (result,) = sf.bulk2.Account.insert(records=records, wait=0.01)

    assert result["numberRecordsProcessed"] == 500
    assert result["numberRecordsFailed"] == 2
    outcome = sf.bulk2.Account.get_all_ingest_records(result["job_id"])
    assert [row["Name"] for row in outcome["failedRecords"]] == ["Bulk 498", "Bulk 499"]
    assert outcome["failedRecords"][0]["sf__Error"].startswith("DUPLICATE_VALUE:")
    assert len(outcome["successfulRecords"]) == 498
    assert outcome["unprocessedRecords"] == []


def test_it_queries_in_bulk_piece_by_piece(org: SalesforceSimulator, sf: Any) -> None:
    org.seed.rows("Pricebook2", [{"Name": f"Book {number}"} for number in range(7)])
    query = "SELECT Id, Name, CreatedBy.Name FROM Pricebook2 WHERE Name LIKE 'Book%' ORDER BY Name"

    pieces = [str(piece) for piece in sf.bulk2.Pricebook2.query(query, max_records=3, wait=0.01)]

    assert [piece.count("\n") - 1 for piece in pieces] == [3, 3, 1]
    assert all(piece.startswith('"Id","Name","CreatedBy.Name"') for piece in pieces)


def test_it_describes_the_org(sf: Any) -> None:
    objects: Any = sf.describe()
    order: Any = sf.Order.describe()

    assert {"Account", "Order", "OrderItem", "Product2"} <= {item["name"] for item in objects["sobjects"]}
    fields = {field["name"]: field for field in order["fields"]}
    assert fields["Hub_Key__c"]["externalId"] is True
    assert fields["AccountId"]["referenceTo"] == ["Account"]
    assert fields["OrderNumber"]["createable"] is False


def test_people_are_written_deleted_and_found_in_the_bin(sf: Any, org: SalesforceSimulator) -> None:
    person = sf.Account.create({"LastName": "Łoś", "FirstName": "Ærø", "PersonEmail": "l@shop.example"})["id"]
    twin = sf.Account.get(person)["PersonContactId"]
    assert sf.Contact.get(twin)["Email"] == "l@shop.example"

    sf.Account.delete(person)

    found = sf.query_all(f"SELECT Id FROM Contact WHERE Id = '{twin}' AND IsDeleted = true", include_deleted=True)
    assert [record["Id"] for record in found["records"]] == [twin]
    with pytest.raises(SalesforceResourceNotFound):
        sf.Account.get(person)


def test_a_merged_account_names_its_master(sf: Any, org: SalesforceSimulator) -> None:
    master, loser = (sf.Account.create({"Name": name})["id"] for name in ("Stays", "Goes"))
    org.seed.merge("Account", master, loser)

    query = f"SELECT MasterRecordId FROM Account WHERE Id = '{loser}'"
    (found,) = sf.query(query, include_deleted=True)["records"]

    assert found["MasterRecordId"] == master
