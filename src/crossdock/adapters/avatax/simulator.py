"""A small AvaTax on loopback: resolution and ping as the published description has them, faults on demand."""

import asyncio
import base64
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, NamedTuple

import msgspec

from crossdock.ports.manifest import Progress
from crossdock.transport.loopback import LoopbackServer, Request, Response, json_response

VERSION = "21.12.0"
ACCOUNT, LICENSE_KEY = "2000000001", "licence-to-nothing-3f9c"

Fault = Callable[[Request, Callable[[], Response]], Awaitable[Response]]
"""Stands between a request and its handler: may answer itself, or call the handler and spoil the answer."""

Address = Mapping[str, str]

_ABBREVIATIONS = dict(
    pair.split("/")
    for pair in "street/st avenue/ave road/rd lane/ln drive/dr north/n south/s east/e west/w suite/ste".split()
)
_NUMBERED = re.compile(r"^\s*(\d+)\s+(.+)$")
_PARTS = ("line1", "line2", "line3", "city", "region", "country", "postalCode")
_STREET = "Address.Line0"


class Street(NamedTuple):
    """A stretch of a street: its house numbers, and the codes that letters there bear."""

    name: str
    city: str
    region: str
    country: str
    postal_code: str
    numbers: range
    extension: str = ""


STREETS = (
    Street("Main St", "Irvine", "CA", "US", "92614", range(1000, 3000), "7211"),
    Street("Winslow Way E", "Bainbridge Island", "WA", "US", "98110", range(100, 1000), "2450"),
    Street("Ravine Ln NE", "Bainbridge Island", "WA", "US", "98110", range(100, 400), "2687"),
    Street("Oak St", "Springfield", "IL", "US", "62704", range(1, 900), "1201"),
    Street("Oak Ave", "Springfield", "IL", "US", "62702", range(1, 900), "3344"),
    Street("Wellington St", "Ottawa", "ON", "CA", "K1A 0A4", range(1, 400)),
)


class Refused(Exception):
    """AvaTax's no."""

    def __init__(self, status: int, code: str) -> None:
        super().__init__(code)
        self.status, self.code = status, code


class Complaint(Exception):
    """An address that cannot be resolved: a success of the call, with a message."""

    def __init__(self, summary: str, refers_to: str) -> None:
        super().__init__(summary)
        self.summary, self.refers_to = summary, refers_to


class Avatax:
    """The streets it knows, and `respond`, its surface. A fault may wait for a request of its method."""

    def __init__(self, streets: Sequence[Street] = STREETS) -> None:
        self.streets = tuple(streets)
        self.faults: list[tuple[str, Fault]] = []
        self.asked: list[bytes] = []
        self.revoked = False
        self.delay_seconds = 0.0
        self.in_flight_peak = 0
        self._in_flight = 0

    async def respond(self, request: Request) -> Response:
        """Answer one request, as badly as the next fault for its method wants."""
        self._in_flight += 1
        self.in_flight_peak = max(self.in_flight_peak, self._in_flight)
        try:
            if self.delay_seconds:
                await asyncio.sleep(self.delay_seconds)
            for index, (method, fault) in enumerate(self.faults):
                if method in {"", request.method}:
                    del self.faults[index]
                    return await fault(request, lambda: self.answer(request))
            return self.answer(request)
        finally:
            self._in_flight -= 1

    def answer(self, request: Request) -> Response:
        """Answer one request well."""
        try:
            return json_response(self._handle(request))
        except Refused as refused:
            return refusal(refused.status, refused.code)
        except msgspec.MsgspecError:
            return refusal(400, "JsonFormatError")

    def _handle(self, request: Request) -> Any:
        known = not self.revoked and request.headers.get("authorization") == _basic(ACCOUNT, LICENSE_KEY)
        match (request.method, request.path):
            case ("GET", "/api/v2/utilities/ping"):
                kind = "AccountIdLicenseKey" if known else "None"
                return {"version": VERSION, "authenticated": known, "authenticationType": kind}
            case (_, "/api/v2/addresses/resolve") if not known:
                raise Refused(401, "AuthenticationException")
            case ("GET", "/api/v2/addresses/resolve"):
                return self.resolve(request.query)
            case ("POST", "/api/v2/addresses/resolve"):
                self.asked.append(request.body)
                return self.resolve(msgspec.json.decode(request.body, type=dict[str, str]))
            case _:
                raise Refused(404, "EntityNotFoundError")

    # ── addresses ───────────────────────────────────────────────────────────────────────────────────

    def resolve(self, asked: Address) -> dict[str, Any]:
        """What the description calls an AddressResolutionModel."""
        if not (asked.get("postalCode") or (asked.get("line1") and asked.get("city") and asked.get("region"))):
            raise Refused(400, "ValueRequiredError")
        address = {part: asked[part] for part in _PARTS if asked.get(part)}
        try:
            found = self._find(asked)
        except Complaint as complaint:
            echo = {"addressType": "UnknownAddressType", **{part: asked.get(part, "") for part in _PARTS}}
            message = {
                "summary": complaint.summary,
                "details": f"Looked for {asked.get('line1', '')}, {asked.get('city', '')}.",
                "refersTo": complaint.refers_to,
                "severity": "Error",
                "source": "Avalara.AvaTax.Services.Address",
            }
            return {
                "address": address,
                "validatedAddresses": [echo],
                "resolutionQuality": "NotCoded",
                "messages": [message],
            }
        upper = asked.get("textCase") != "Mixed"
        return {
            "address": address,
            "validatedAddresses": [_shown(street, line, asked, upper=upper) for street, line in found],
            "coordinates": {"latitude": 33.684884, "longitude": -117.851321},
            "resolutionQuality": "Rooftop" if len(found) == 1 else "PostalCentroidGood",
            "taxAuthorities": [
                {"avalaraId": "267", "jurisdictionName": found[0][0].region, "jurisdictionType": "State"}
            ],
        }

    def _find(self, asked: Address) -> list[tuple[Street, str]]:
        """Streets that are meant, each with its first line. Raises Complaint."""
        country = asked.get("country", "US")
        if country not in {"US", "CA"}:
            raise Complaint("The country is not supported.", "Address.Country")
        line = _NUMBERED.match(asked.get("line1", ""))
        if line is None:
            raise Complaint("The address is incomplete: a house number is required.", _STREET)
        number, name = int(line[1]), _words(line[2])
        near = [street for street in self.streets if street.country == country and _is_near(street, asked)]
        exact = [street for street in near if _words(street.name) == name]
        meant = exact or [street for street in near if _words(street.name)[: len(name)] == name]
        if not meant:
            raise Complaint("An exact street name match could not be found.", _STREET)
        meant = [street for street in meant if number in street.numbers]
        if not meant:
            raise Complaint("The address number is out of range.", _STREET)
        code = asked.get("postalCode", "").partition("-")[0].upper()
        meant = [street for street in meant if code in {"", street.postal_code}] if exact else meant
        if not meant:
            raise Complaint("The address is not deliverable.", "address")
        return [(street, f"{number} {street.name}") for street in meant]


def _is_near(street: Street, asked: Address) -> bool:
    city, code = asked.get("city", ""), asked.get("postalCode", "").partition("-")[0].upper()
    same_city = city.lower() == street.city.lower() and asked.get("region", street.region).upper() == street.region
    return same_city or code == street.postal_code


def _words(name: str) -> list[str]:
    return [_ABBREVIATIONS.get(word, word) for word in name.lower().replace(".", "").split()]


def _shown(street: Street, line: str, asked: Address, *, upper: bool) -> dict[str, Any]:
    code = f"{street.postal_code}-{street.extension}" if street.extension else street.postal_code
    texts = {"line1": line, "line2": asked.get("line2", ""), "line3": asked.get("line3", ""), "city": street.city}
    return {
        "addressType": "StreetOrResidentialAddress",
        **{part: text.upper() if upper else text for part, text in texts.items()},
        "region": street.region,
        "country": street.country,
        "postalCode": code,
        "latitude": 33.684884,
        "longitude": -117.851321,
    }


def refusal(status: int, code: str, headers: dict[str, str] | None = None) -> Response:
    """Every answer that is not a success."""
    detail = {
        "code": code,
        "number": 30,
        "message": "It was refused.",
        "description": "It was refused, and this says why at length.",
        "faultCode": "Client",
        "helpLink": f"/avatax/errors/{code}",
        "severity": "Error",
    }
    error = {"code": code, "message": detail["message"], "target": "HttpRequest", "details": [detail]}
    return json_response({"error": error}, status=status, headers=headers)


def _basic(account: str, key: str) -> str:
    return f"Basic {base64.b64encode(f'{account}:{key}'.encode()).decode()}"


class LocalAvatax:
    """Starts an AvaTax on this machine; it takes no arguments."""

    def __init__(self) -> None:
        self.avatax = Avatax()
        self._server = LoopbackServer(self.avatax.respond)
        self._port = 0

    async def start(self, progress: Progress | None = None) -> Mapping[str, Any]:
        """Start and return the dock's settings."""
        await self._server.start_here()
        self._port = self._server.port
        if progress is not None:
            progress("start AvaTax", 1, 1)
        return {"base_url": self._server.url, "account": ACCOUNT, "license_key": LICENSE_KEY}

    async def stop(self) -> None:
        """Stop it; stopping twice is fine."""
        await self._server.stop_here()

    async def come_back(self) -> None:
        """Answer at the same address again."""
        self._server = LoopbackServer(self.avatax.respond, port=self._port)
        await self._server.start_here()
