"""Signing in: the token endpoint with its grants, who a token belongs to, and the old SOAP login."""

import base64
import binascii
import html
import re
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import msgspec
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import RSAKey

from crossdock.adapters.salesforce.simulator.directory import ConnectedApp, Session
from crossdock.adapters.salesforce.simulator.failures import ApiError, OAuthError, session_expired
from crossdock.adapters.salesforce.simulator.org import Org
from crossdock.kit.clock import MICROSECONDS
from crossdock.transport.loopback import Request, Response, Routes, json_response

SignIn = Callable[[Org, Request, dict[str, str]], Response]
ROUTES: Routes[SignIn] = Routes()
_JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"
_VENDOR_HOSTS = frozenset({"login.salesforce.com", "test.salesforce.com"})
_MY_DOMAIN = ".my.salesforce.com"
_LOOPBACK_HOSTS = frozenset({"127.0.0.1", "localhost"})
_SCOPE = "api refresh_token offline_access"


@ROUTES.add("POST", "/services/oauth2/token")
def token(org: Org, request: Request, _variables: dict[str, str]) -> Response:
    """Exchange a grant for an access token."""
    form = _form(request)
    grant = _GRANTS.get(form.get("grant_type", ""), _unsupported)
    try:
        session, refresh = grant(org, _with_basic(request, form))
    except OAuthError as refusal:
        content = {"error": refusal.error, "error_description": refusal.description}
        return json_response(content, status=refusal.status)
    content = token_content(org, session)
    return json_response({**content, "refresh_token": refresh} if refresh else content)


@ROUTES.add("POST", "/services/oauth2/revoke")
@ROUTES.add("GET", "/services/oauth2/revoke")
def revoke(org: Org, request: Request, _variables: dict[str, str]) -> Response:
    """Forget a token."""
    known = org.directory.revoke({**request.query, **_form(request)}.get("token", ""))
    if known:
        return Response()
    return json_response(
        {"error": "unsupported_token_type", "error_description": "this token is unknown"}, status=400
    )


@ROUTES.add("GET", "/services/oauth2/userinfo")
@ROUTES.add("POST", "/services/oauth2/userinfo")
def userinfo(org: Org, request: Request, _variables: dict[str, str]) -> Response:
    """Who the token belongs to, in OpenID's words."""
    session = bearer(org, request)
    user = org.table("User").rows[session.user_id]
    return json_response(
        {
            "sub": _identity_url(org, session.user_id),
            "user_id": session.user_id,
            "organization_id": org.organization_id,
            "preferred_username": session.username,
            "nickname": user["Alias"],
            "name": user["Name"],
            "email": user["Email"],
            "email_verified": True,
            "given_name": user["FirstName"],
            "family_name": user["LastName"],
            "zoneinfo": user["TimeZoneSidKey"],
            "profile": f"{org.instance_url}/{session.user_id}",
            "active": user["IsActive"],
            "user_type": "STANDARD",
            "language": "en_US",
            "locale": "en_US",
            "utcOffset": 0,
            "urls": _urls(org),
        }
    )


@ROUTES.add("GET", "/id/{organization}/{user}")
def identity(org: Org, request: Request, variables: dict[str, str]) -> Response:
    """Who the token belongs to, at the address that came with it."""
    session = bearer(org, request)
    if variables["user"] != session.user_id or variables["organization"] != org.organization_id:
        return Response(status=403, body=b"Wrong_Org", headers={"content-type": "text/plain"})
    user = org.table("User").rows[session.user_id]
    return json_response(
        {
            "id": _identity_url(org, session.user_id),
            "asserted_user": True,
            "user_id": session.user_id,
            "organization_id": org.organization_id,
            "username": session.username,
            "nick_name": user["Alias"],
            "display_name": user["Name"],
            "email": user["Email"],
            "first_name": user["FirstName"],
            "last_name": user["LastName"],
            "timezone": user["TimeZoneSidKey"],
            "active": user["IsActive"],
            "user_type": "STANDARD",
            "language": "en_US",
            "locale": "en_US",
            "urls": _urls(org),
            "last_modified_date": user["LastModifiedDate"],
        }
    )


@ROUTES.add("POST", "/services/Soap/u/{version}")
def soap_login(org: Org, request: Request, variables: dict[str, str]) -> Response:
    """The old login by name and password, for clients that begin with it; see `soap` for the rest."""
    text = request.body.decode("utf-8", "replace")
    username, password = _soap_text(text, "username"), _soap_text(text, "password")
    person = org.directory.person(username)
    if person is None or not password.startswith(person.password):
        words = "INVALID_LOGIN: Invalid username, password, security token; or user locked out."
        return soap_fault("INVALID_LOGIN", words, kind="LoginFault")
    session = org.directory.sign_in(person, "soap")
    server = f"{org.instance_url}/services/Soap/u/{variables['version']}/{org.organization_id[:15]}"
    return soap_envelope(
        f"<loginResponse><result><metadataServerUrl>{server.replace('/u/', '/m/')}</metadataServerUrl>"
        f"<passwordExpired>false</passwordExpired><sandbox>false</sandbox><serverUrl>{server}</serverUrl>"
        f"<sessionId>{session.token}</sessionId><userId>{person.user_id}</userId><userInfo>"
        f"<organizationId>{org.organization_id}</organizationId>"
        f"<organizationName>{html.escape(org.settings.organization)}</organizationName>"
        f"<userId>{person.user_id}</userId><userName>{html.escape(person.username)}</userName>"
        f"<sessionSecondsValid>{int(org.settings.session_seconds)}</sessionSecondsValid></userInfo></result>"
        "</loginResponse>"
    )


def bearer(org: Org, request: Request) -> Session:
    """The session of the Authorization header. Raises ApiError INVALID_SESSION_ID."""
    scheme, _, value = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() not in ("bearer", "oauth"):
        raise session_expired()
    return org.directory.session(value.strip())


def sign_in_failed(refusal: ApiError) -> Response:
    """The identity endpoints answer in plain words, not in the data API's array."""
    if refusal.code == "INVALID_SESSION_ID":
        return Response(status=403, body=b"Bad_OAuth_Token", headers={"content-type": "text/plain;charset=UTF-8"})
    return json_response(refusal.body(), status=refusal.status)


def token_content(org: Org, session: Session) -> dict[str, Any]:
    """A token as the endpoint hands it out."""
    issued = str(session.issued_at // 1_000)
    signature = base64.b64encode(f"{session.user_id}{issued}".encode()).decode()
    return {
        "access_token": session.token,
        "signature": signature,
        "scope": _SCOPE,
        "instance_url": org.instance_url,
        "id": _identity_url(org, session.user_id),
        "token_type": "Bearer",
        "issued_at": issued,
    }


Granted = tuple[Session, str | None]


def _by_assertion(org: Org, form: dict[str, str]) -> Granted:
    app, claims = _verified(org, form.get("assertion", ""))
    audience, expires = claims.get("aud"), claims.get("exp")
    if not isinstance(audience, str) or not _is_ours(org, audience):
        raise OAuthError("invalid_grant", "audience is invalid")
    try:
        left_seconds = int(str(expires)) - org.clock.now() // MICROSECONDS
    except ValueError:
        raise OAuthError("invalid_grant", "expiration is missing or no number") from None
    # Some clients write milliseconds, which is thousands of years ahead; the vendor lets them in.
    if left_seconds <= 0:
        raise OAuthError("invalid_grant", "expired authorization code")
    person = org.directory.person(str(claims.get("sub", "")))
    if person is None or not app.approved:
        raise OAuthError("invalid_grant", "user hasn't approved this consumer")
    return org.directory.sign_in(person, app.client_id), None


def _verified(org: Org, assertion: str) -> tuple[ConnectedApp, dict[str, Any]]:
    """The app an assertion comes from, and its claims once the signature is checked."""
    try:
        payload = assertion.split(".")[1]
        decoded = base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4))
        claims = msgspec.json.decode(decoded, type=dict[str, Any])
    except (IndexError, ValueError):
        raise OAuthError("invalid_grant", "invalid assertion") from None
    app = org.directory.app(str(claims.get("iss", "")))
    if not app.public_key:
        raise OAuthError("invalid_app_access", "the app has no certificate")
    try:
        return app, dict(jwt.decode(assertion, RSAKey.import_key(app.public_key), algorithms=["RS256"]).claims)
    except (JoseError, ValueError):
        raise OAuthError("invalid_grant", "invalid assertion") from None


def _by_client_credentials(org: Org, form: dict[str, str]) -> Granted:
    app = _known_app(org, form)
    person = org.directory.person(app.run_as)
    if person is None:
        raise OAuthError("invalid_grant", "no client credentials user enabled")
    return org.directory.sign_in(person, app.client_id), None


def _by_refresh_token(org: Org, form: dict[str, str]) -> Granted:
    app = org.directory.app(form.get("client_id", ""))
    if form.get("client_secret"):
        app = _known_app(org, form)
    return org.directory.refresh(form.get("refresh_token", ""), app.client_id)


def _by_password(org: Org, form: dict[str, str]) -> Granted:
    app = _known_app(org, form)
    person = org.directory.person(form.get("username", ""))
    if person is None or not form.get("password", "").startswith(person.password):
        raise OAuthError("invalid_grant", "authentication failure")
    return org.directory.sign_in(person, app.client_id), org.directory.grant_refresh(person, app.client_id)


def _unsupported(_org: Org, _form: dict[str, str]) -> Granted:
    raise OAuthError("unsupported_grant_type", "grant type not supported")


_GRANTS: dict[str, Callable[[Org, dict[str, str]], Granted]] = {
    _JWT_BEARER: _by_assertion,
    "client_credentials": _by_client_credentials,
    "refresh_token": _by_refresh_token,
    "password": _by_password,
}


def _known_app(org: Org, form: dict[str, str]) -> ConnectedApp:
    app = org.directory.app(form.get("client_id", ""))
    if not app.client_secret or form.get("client_secret") != app.client_secret:
        raise OAuthError("invalid_client", "invalid client credentials")
    return app


def _form(request: Request) -> dict[str, str]:
    return {**request.query, **dict(parse_qsl(request.body.decode("utf-8", "replace"), keep_blank_values=True))}


def _with_basic(request: Request, form: dict[str, str]) -> dict[str, str]:
    """The form, with client id and secret from HTTP Basic where they came that way."""
    scheme, _, value = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return form
    try:
        client_id, _, secret = base64.b64decode(value, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        raise OAuthError("invalid_client", "invalid client credentials") from None
    return {**form, "client_id": client_id, "client_secret": secret}


def _is_ours(org: Org, audience: str) -> bool:
    """Whether an audience means this org: the vendor's login hosts, a My Domain, or our own address."""
    parts = urlsplit(audience)
    host = (parts.hostname or "").lower()
    if host in _VENDOR_HOSTS or host.endswith(_MY_DOMAIN):
        return parts.scheme == "https"
    return host in _LOOPBACK_HOSTS or host == urlsplit(org.instance_url).hostname


def _identity_url(org: Org, user_id: str) -> str:
    return f"{org.instance_url}/id/{org.organization_id}/{user_id}"


def _urls(org: Org) -> dict[str, str]:
    base = f"{org.instance_url}/services"
    return {
        "enterprise": f"{base}/Soap/c/{{version}}/{org.organization_id[:15]}",
        "metadata": f"{base}/Soap/m/{{version}}/{org.organization_id[:15]}",
        "partner": f"{base}/Soap/u/{{version}}/{org.organization_id[:15]}",
        "rest": f"{base}/data/v{{version}}/",
        "sobjects": f"{base}/data/v{{version}}/sobjects/",
        "search": f"{base}/data/v{{version}}/search/",
        "query": f"{base}/data/v{{version}}/query/",
        "recent": f"{base}/data/v{{version}}/recent/",
        "tooling_rest": f"{base}/data/v{{version}}/tooling/",
        "profile": f"{org.instance_url}/profile",
        "custom_domain": org.instance_url,
    }


def _soap_text(document: str, name: str) -> str:
    found = re.search(rf"<(?:\w+:)?{name}>([^<]*)</(?:\w+:)?{name}>", document)
    return html.unescape(found[1]) if found else ""


def soap_fault(code: str, words: str, *, kind: str = "ApiFault") -> Response:
    """The answer to a SOAP call that was refused as a whole."""
    words = html.escape(words)
    return soap_envelope(
        f"<soapenv:Fault><faultcode>sf:{code}</faultcode><faultstring>{words}</faultstring><detail>"
        f"<sf:{kind}><sf:exceptionCode>{code}</sf:exceptionCode><sf:exceptionMessage>{words}"
        f"</sf:exceptionMessage></sf:{kind}></detail></soapenv:Fault>",
        status=500,
    )


def soap_envelope(body: str, *, status: int = 200) -> Response:
    """A SOAP answer."""
    document = (
        '<?xml version="1.0" encoding="UTF-8"?><soapenv:Envelope '
        'xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/" xmlns="urn:partner.soap.sforce.com" '
        'xmlns:sf="urn:fault.partner.soap.sforce.com" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">'
        f"<soapenv:Body>{body}</soapenv:Body></soapenv:Envelope>"
    )
    return Response(status=status, body=document.encode(), headers={"content-type": "text/xml;charset=UTF-8"})
