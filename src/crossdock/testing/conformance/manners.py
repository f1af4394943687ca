"""What every reading or writing role promises about a system that misbehaves; inherited by each role's suite."""

import asyncio
import contextlib
import logging
import traceback
from collections.abc import Mapping
from typing import Any, ClassVar

import pytest

from crossdock.canonical.order import Order
from crossdock.kit.errors import (
    CrossdockError,
    Invalid,
    NotAuthorized,
    Throttled,
    Unavailable,
)
from crossdock.kit.redaction import Secret
from crossdock.ports.manifest import AdapterManifest, Role
from crossdock.testing.builders import a_customer, an_address
from crossdock.testing.conformance.suite import Conformance, Connect, raised
from crossdock.testing.estate import Estate

PERSONAL = (
    "Zoë Überall-Ærøskøbing",
    "zoe.ueberall@personal.example",
    "Geheimgasse 17½",
    "+49 30 5550 1234",
)
"""A person's name, mail, street and phone, found nowhere else: they must not be told to any log."""


class Manners(Conformance):
    """`exchange` is a harmless call of the role; `prepare` makes whatever it needs."""

    role: ClassVar[Role]
    key = "XDCONFORMANCE0000000000000001"

    async def prepare(self, dock: Any, bench: Any, estate: Estate) -> None:
        """Make what `exchange` asks for. By default nothing is needed."""

    async def exchange(self, dock: Any, bench: Any, estate: Estate) -> Any:
        """One call of this role that succeeds when nothing is wrong."""
        raise NotImplementedError

    async def test_a_refused_connection_is_unavailable(
        self, dock: Any, bench: Any, estate: Estate, patience_seconds: float
    ) -> None:
        """A system that is down raises Unavailable, and is used again once it is back."""
        await self.prepare(dock, bench, estate)
        await bench.go_down()
        try:
            await raised(Unavailable, self.exchange(dock, bench, estate))
        finally:
            await bench.come_back()

        async with asyncio.timeout(patience_seconds):
            while True:
                # A pooled connection that died with the system may cost one more attempt.
                with contextlib.suppress(Unavailable):
                    await self.exchange(dock, bench, estate)
                    break
                await asyncio.sleep(0.05)

    async def test_a_busy_system_is_unavailable(self, dock: Any, bench: Any, estate: Estate) -> None:
        """The vendor's "not now" raises Unavailable, not an error of content."""
        await self.prepare(dock, bench, estate)
        await bench.refuse_next()

        await raised(Unavailable, self.exchange(dock, bench, estate))

        await self.exchange(dock, bench, estate)

    async def test_throttling_carries_the_vendors_wait(self, dock: Any, bench: Any, estate: Estate) -> None:
        """The vendor's "too many" raises Throttled with the wait that the vendor asked for."""
        await self.prepare(dock, bench, estate)
        await bench.throttle_next(17)

        error = await raised(Throttled, self.exchange(dock, bench, estate))

        assert error.retry_after_seconds == pytest.approx(17, abs=2)

    async def test_an_expired_credential_is_renewed(self, dock: Any, bench: Any, estate: Estate) -> None:
        """A session that expired is renewed and the call repeated; nobody above notices."""
        await self.prepare(dock, bench, estate)
        await bench.expire_credential()

        await self.exchange(dock, bench, estate)

    async def test_a_revoked_credential_is_not_authorized(self, dock: Any, bench: Any, estate: Estate) -> None:
        """A credential that is refused for good raises NotAuthorized, so that nobody locks the account."""
        await self.prepare(dock, bench, estate)
        await bench.revoke_credential()

        await raised(NotAuthorized, self.exchange(dock, bench, estate))

    async def test_an_unknown_field_is_ignored(self, dock: Any, bench: Any, estate: Estate) -> None:
        """A field that came with the vendor's latest release changes nothing."""
        await self.prepare(dock, bench, estate)
        before = await self.exchange(dock, bench, estate)
        await bench.add_unknown_fields(self.role)

        assert await self.exchange(dock, bench, estate) == before

    async def test_a_missing_field_is_invalid_with_its_path(self, dock: Any, bench: Any, estate: Estate) -> None:
        """A field that the vendor left out raises Invalid with the path to it."""
        await self.prepare(dock, bench, estate)
        path = await bench.drop_field(self.role)

        error = await raised(Invalid, self.exchange(dock, bench, estate))

        assert path in [finding.path for finding in error.findings], error.findings

    async def test_in_flight_max_is_held(
        self, dock: Any, bench: Any, estate: Estate, manifest: AdapterManifest
    ) -> None:
        """However many ask at once, the system never sees more calls than the manifest's `in_flight_max`."""
        await self.prepare(dock, bench, estate)
        await bench.slow_down(0.02)
        count = manifest.limits.in_flight_max * 2 + 1

        await asyncio.gather(*(self.exchange(dock, bench, estate) for _ in range(count)))

        assert 1 <= await bench.in_flight_peak() <= manifest.limits.in_flight_max

    async def test_nothing_secret_or_personal_is_told(
        self,
        connect: Connect,
        bench: Any,
        estate: Estate,
        settings: Mapping[str, Any],
        manifest: AdapterManifest,
        caplog: pytest.LogCaptureFixture,
        capfd: pytest.CaptureFixture[str],
    ) -> None:
        """No log, error or repr tells a secret or who somebody is, whatever goes wrong."""
        caplog.set_level(logging.DEBUG)
        dock = await connect()
        told = [repr(dock), repr(manifest.load_settings(settings)), *await self.mishaps(dock, bench, estate)]

        told += [_told_by(record) for record in caplog.records]
        told += capfd.readouterr()
        assert_nothing_told(told, (*_secrets_in(manifest.load_settings(settings)), *PERSONAL))

    async def mishaps(self, dock: Any, bench: Any, estate: Estate) -> list[str]:
        """Let things go well once and then wrong in every way the bench has; returns what was told of it."""
        await self.prepare(dock, bench, estate)
        await self.exchange(dock, bench, estate)
        told = []
        for trouble in (
            bench.refuse_next(),
            bench.throttle_next(1),
            bench.drop_field(self.role),
            bench.expire_credential(),
            bench.revoke_credential(),
        ):
            with contextlib.suppress(NotImplementedError):
                await trouble
                told += await self.told(self.exchange(dock, bench, estate))
        return told

    async def told(self, call: Any) -> list[str]:
        """All that an error of `call` tells: words, findings and the traceback with its causes."""
        try:
            await call
        except CrossdockError as error:
            return [str(error), repr(error), repr(error.findings), "".join(traceback.format_exception(error))]
        return []


class ReadingManners(Manners):
    """For roles whose `exchange` only reads."""

    async def test_a_broken_read_is_unavailable(self, dock: Any, bench: Any, estate: Estate) -> None:
        """A read whose answer was lost raises Unavailable: nothing can have happened, it is simply repeated."""
        await self.prepare(dock, bench, estate)
        await bench.break_next_read()

        await raised(Unavailable, self.exchange(dock, bench, estate))

        await self.exchange(dock, bench, estate)


def a_persons_order(estate: Estate, order_id: str = "O-PERSON") -> Order:
    """An order full of personal data."""
    name, mail, street, phone = PERSONAL
    return estate.order(
        order_id,
        lines=2,
        customer=a_customer(estate.customer, name=name, email=mail, kind="person"),
        shipping_address=an_address(name=name, lines=(street,), phone=phone, email=mail),
        billing_address=an_address(name=name, lines=(street,), phone=phone, email=mail),
    )


def assert_nothing_told(told: list[str], forbidden: tuple[str, ...]) -> None:
    """Fail where one of `forbidden` stands in `told`, without repeating it in full."""
    for text in told:
        for word in forbidden:
            at = text.find(word)
            assert at < 0, f"told {word[:3]}… after {text[max(0, at - 60) : at]!r}"


def _told_by(record: logging.LogRecord) -> str:
    failure = "".join(traceback.format_exception(*record.exc_info)) if record.exc_info else ""
    return f"{record.getMessage()} {record.__dict__} {failure}"


def _secrets_in(settings: object) -> tuple[str, ...]:
    """Every secret in a settings Struct."""
    values = [getattr(settings, name) for name in getattr(settings, "__struct_fields__", ())]
    return tuple(value.reveal() for value in values if isinstance(value, Secret) and value.reveal())
