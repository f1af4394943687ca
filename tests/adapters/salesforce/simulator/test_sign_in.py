"""The token endpoint, in its own words; every spelling of an audience; and the end of a session."""

import base64
import time
from typing import Any

import httpx
import pytest
from joserfc import jwt
from joserfc.jwk import RSAKey
from tests.adapters.salesforce.simulator.clients import Rest, error_of

from crossdock.adapters.salesforce.simulator import SalesforceSimulator
from crossdock.adapters.salesforce.simulator.certificates import jwt_key_pair
from crossdock.adapters.salesforce.simulator.directory import ConnectedApp
from crossdock.adapters.salesforce.simulator.settings import OrgSettings
from crossdock.kit.clock import ManualClock

JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"


def ask(simulator: SalesforceSimulator, **form: str) -> httpx.Response:
    return httpx.post(simulator.credentials.token_url, data=form)


def assertion(simulator: SalesforceSimulator, key: str = "", **claims: Any) -> str:
    credentials = simulator.credentials
    standard = {
        "iss": credentials.client_id,
        "sub": credentials.username,
        "aud": "https://login.salesforce.com",
        "exp": int(time.time()) + 180,
    }
    signer = RSAKey.import_key(key or credentials.private_key)
    return jwt.encode({"alg": "RS256"}, {**standard, **claims}, signer)


@pytest.mark.parametrize(
    "audience",
    [
        "https://login.salesforce.com",
        "https://test.salesforce.com",
        "https://login.salesforce.com/",
        "https://shop.my.salesforce.com",
        "own",
        "own/",
        "http://localhost:8801/",
    ],
)
@pytest.mark.parametrize("as_text", [False, True], ids=["exp as number", "exp as text"])
def test_every_clients_spelling_of_an_assertion_is_accepted(
    simulator: SalesforceSimulator, audience: str, as_text: bool
) -> None:
    expires = int(time.time()) + 180
    signed = assertion(
        simulator,
        aud=audience.replace("own", simulator.instance_url),
        exp=str(expires) if as_text else expires,
    )

    answer = ask(simulator, grant_type=JWT_BEARER, assertion=signed)

    assert answer.status_code == 200, answer.text
    content = answer.json()
    assert content["access_token"].partition("!")[0] == simulator.organization_id[:15]
    assert content["instance_url"] == simulator.instance_url
    assert content["token_type"] == "Bearer"
    assert content["id"].startswith(f"{simulator.instance_url}/id/{simulator.organization_id}/005")
    assert "refresh_token" not in content


@pytest.mark.parametrize(
    ("claims", "error"),
    [
        ({"aud": "https://example.com"}, "invalid_grant"),
        ({"exp": 1}, "invalid_grant"),
        ({"exp": "soon"}, "invalid_grant"),
        ({"sub": "nobody@example.com"}, "invalid_grant"),
        ({"iss": "unknown"}, "invalid_client_id"),
    ],
)
def test_a_wrong_assertion_is_refused_in_oauths_shape(
    simulator: SalesforceSimulator, claims: dict[str, Any], error: str
) -> None:
    answer = ask(simulator, grant_type=JWT_BEARER, assertion=assertion(simulator, **claims))

    assert answer.status_code == 400
    assert answer.json()["error"] == error
    assert answer.json()["error_description"]


def test_an_assertion_that_counts_in_milliseconds_is_accepted_as_at_the_vendor(
    simulator: SalesforceSimulator,
) -> None:
    signed = assertion(simulator, exp=int(time.time() * 1_000) + 300)

    assert ask(simulator, grant_type=JWT_BEARER, assertion=signed).status_code == 200


def test_an_assertion_of_another_key_or_none_at_all_is_refused(simulator: SalesforceSimulator) -> None:
    foreign = assertion(simulator, jwt_key_pair()[0])

    for wrong in (foreign, "", "a.b.c", foreign.rpartition(".")[0] + "."):
        assert ask(simulator, grant_type=JWT_BEARER, assertion=wrong).json()["error"] == "invalid_grant"


def test_an_app_nobody_approved_signs_nobody_in(simulator: SalesforceSimulator) -> None:
    private, public = jwt_key_pair()
    simulator.register_app(ConnectedApp(client_id="other", public_key=public, approved=False))

    answer = ask(simulator, grant_type=JWT_BEARER, assertion=assertion(simulator, private, iss="other"))

    assert answer.json() == {
        "error": "invalid_grant",
        "error_description": "user hasn't approved this consumer",
    }


def test_client_credentials_come_in_the_form_or_by_http_basic(simulator: SalesforceSimulator) -> None:
    credentials = simulator.credentials
    names = {"client_id": credentials.client_id, "client_secret": credentials.client_secret}
    basic = base64.b64encode(f"{credentials.client_id}:{credentials.client_secret}".encode()).decode()

    in_form = ask(simulator, grant_type="client_credentials", **names)
    in_header = httpx.post(
        credentials.token_url,
        data={"grant_type": "client_credentials"},
        headers={"Authorization": f"Basic {basic}"},
    )

    assert in_form.status_code == in_header.status_code == 200
    assert ask(simulator, grant_type="client_credentials", **(names | {"client_secret": "no"})).json() == {
        "error": "invalid_client",
        "error_description": "invalid client credentials",
    }


def test_a_refresh_token_is_good_until_it_is_revoked_or_rotated(simulator: SalesforceSimulator) -> None:
    credentials = simulator.credentials
    person = simulator.org.directory.person(credentials.username)
    assert person is not None
    lasting = simulator.org.directory.grant_refresh(person, credentials.client_id)
    simulator.register_app(ConnectedApp(client_id="rotating", rotates_refresh_tokens=True))
    once = simulator.org.directory.grant_refresh(person, "rotating")

    def refresh(token: str, client_id: str) -> httpx.Response:
        return ask(simulator, grant_type="refresh_token", refresh_token=token, client_id=client_id)

    assert refresh(lasting, credentials.client_id).status_code == 200
    assert refresh(lasting, credentials.client_id).status_code == 200
    second = refresh(once, "rotating").json()["refresh_token"]
    assert refresh(second, "rotating").status_code == 200
    assert refresh(once, "rotating").json() == {
        "error": "invalid_grant",
        "error_description": "expired access/refresh token",
    }
    httpx.post(f"{simulator.instance_url}/services/oauth2/revoke", data={"token": lasting})
    assert refresh(lasting, credentials.client_id).status_code == 400


def test_an_unknown_grant_is_refused(simulator: SalesforceSimulator) -> None:
    assert ask(simulator, grant_type="magic").json()["error"] == "unsupported_grant_type"


def test_a_token_tells_whose_it_is_at_both_addresses(simulator: SalesforceSimulator, rest: Rest) -> None:
    info = rest("GET", "/services/oauth2/userinfo").json()
    identity = rest("GET", f"/id/{info['organization_id']}/{info['user_id']}").json()

    assert info["preferred_username"] == identity["username"] == simulator.credentials.username
    assert identity["urls"]["rest"] == f"{simulator.instance_url}/services/data/v{{version}}/"
    anonymous = rest("GET", "/services/oauth2/userinfo", headers={"Authorization": "Bearer no"})
    assert (anonymous.status_code, anonymous.text) == (403, "Bad_OAuth_Token")


def test_an_expired_session_is_told_in_the_data_apis_shape(simulator: SalesforceSimulator, rest: Rest) -> None:
    assert rest("GET", "limits").status_code == 200

    simulator.expire_sessions()

    answer = rest("GET", "limits")
    assert answer.status_code == 401
    assert answer.json() == [{"message": "Session expired or invalid", "errorCode": "INVALID_SESSION_ID"}]
    rest.sign_in()
    assert rest("GET", "limits").status_code == 200


def test_a_session_ends_by_itself_when_its_time_is_over() -> None:
    clock = ManualClock()
    with SalesforceSimulator(OrgSettings(session_seconds=60), clock=clock) as simulator:
        rest = Rest(simulator)
        clock.advance(59)
        assert rest("GET", "limits").status_code == 200
        clock.advance(1)
        assert error_of(rest("GET", "limits")) == "INVALID_SESSION_ID"
        rest.http.close()


def test_versions_are_listed_to_anybody_and_unknown_ones_are_not_found(
    simulator: SalesforceSimulator, rest: Rest
) -> None:
    listed = httpx.get(f"{simulator.instance_url}/services/data").json()

    assert listed[-1] == {"label": "Summer '26", "url": "/services/data/v67.0", "version": "67.0"}
    assert rest("GET", "/services/data/v67.0").json()["sobjects"] == "/services/data/v67.0/sobjects"
    assert rest("GET", "/services/data/v99.0/limits").status_code == 404
    doubled = f"{simulator.instance_url}//services/data/v60.0//limits/"
    assert httpx.get(doubled, headers=rest.headers).status_code == 200
