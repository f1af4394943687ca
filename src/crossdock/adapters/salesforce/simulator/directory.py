"""Who may sign in: users, connected apps, and the sessions they hold."""

import secrets

import msgspec

from crossdock.adapters.salesforce.simulator.failures import OAuthError, session_expired
from crossdock.kit.clock import Clock, Instant, seconds_to_us

_TOKEN_BYTES = 48


class ConnectedApp(msgspec.Struct, frozen=True, kw_only=True):
    """An app that may sign in. `public_key` (PEM) verifies its JWTs; `run_as` acts for client credentials.

    An app that is not `approved` may not sign anybody in by JWT.
    """

    client_id: str
    client_secret: str = ""
    public_key: str = ""
    run_as: str = ""
    approved: bool = True
    rotates_refresh_tokens: bool = False


class Person(msgspec.Struct, frozen=True):
    """A user who may sign in."""

    user_id: str
    username: str
    password: str


class Session(msgspec.Struct, frozen=True):
    """One access token and whose it is."""

    token: str
    user_id: str
    username: str
    client_id: str
    issued_at: Instant
    expires_at: Instant


class Directory:
    """Users, apps and sessions of one org."""

    def __init__(self, clock: Clock, organization_id: str, session_seconds: float) -> None:
        self._clock = clock
        self._organization_id = organization_id
        self._session_us = seconds_to_us(session_seconds)
        self._apps: dict[str, ConnectedApp] = {}
        self._people: dict[str, Person] = {}
        self._sessions: dict[str, Session] = {}
        self._refresh: dict[str, tuple[str, str]] = {}

    def register(self, app: ConnectedApp) -> None:
        """Add an app, or replace the one with its client id."""
        self._apps[app.client_id] = app

    def admit(self, person: Person) -> None:
        """Add a user, or replace the one with this name."""
        self._people[person.username.lower()] = person

    def app(self, client_id: str) -> ConnectedApp:
        """The app of that client id. Raises OAuthError invalid_client_id."""
        found = self._apps.get(client_id)
        if found is None:
            raise OAuthError("invalid_client_id", "client identifier invalid")
        return found

    def person(self, username: str) -> Person | None:
        """The user of that name, whatever its case."""
        return self._people.get(username.lower())

    def sign_in(self, person: Person, client_id: str) -> Session:
        """Open a session."""
        now = self._clock.now()
        token = f"{self._organization_id[:15]}!AQ{secrets.token_urlsafe(_TOKEN_BYTES).replace('-', '.')}"
        session = Session(token, person.user_id, person.username, client_id, now, now + self._session_us)
        self._sessions[token] = session
        return session

    def session(self, token: str) -> Session:
        """The session of an access token. Raises ApiError INVALID_SESSION_ID."""
        found = self._sessions.get(token)
        if found is None or found.expires_at <= self._clock.now():
            raise session_expired()
        return found

    def grant_refresh(self, person: Person, client_id: str) -> str:
        """A refresh token: good until it is revoked or, where the app rotates them, used."""
        token = f"5Aep{secrets.token_urlsafe(_TOKEN_BYTES)}"
        self._refresh[token] = (person.username, client_id)
        return token

    def refresh(self, token: str, client_id: str) -> tuple[Session, str | None]:
        """Open a session by a refresh token; also the next refresh token, where the app rotates them.

        Raises OAuthError.
        """
        app = self.app(client_id)
        username, owner = self._refresh.get(token, ("", ""))
        person = self.person(username)
        if person is None or owner != client_id:
            raise OAuthError("invalid_grant", "expired access/refresh token")
        if not app.rotates_refresh_tokens:
            return self.sign_in(person, client_id), None
        del self._refresh[token]
        return self.sign_in(person, client_id), self.grant_refresh(person, client_id)

    def revoke(self, token: str) -> bool:
        """Forget an access or refresh token; whether it was known."""
        return self._sessions.pop(token, None) is not None or self._refresh.pop(token, None) is not None

    def expire_all(self) -> int:
        """End every session now, as when an administrator does; how many there were."""
        ended = len(self._sessions)
        self._sessions.clear()
        return ended
