"""Signing in: once for all who wait, again when expired, never again and again when refused."""

import asyncio
import logging
from typing import Any

import pytest
from tests.adapters.salesforce.orgs import TestOrg, having, listen, running_org, status

from crossdock.adapters.salesforce.adapter import SalesforceDock
from crossdock.adapters.salesforce.local import LocalSalesforce
from crossdock.adapters.salesforce.simulator.faults import DailyLimit, DropAfterCommit, LockRows
from crossdock.kit.errors import CrossdockError, Misconfigured, NotAuthorized, Unavailable

pytestmark = pytest.mark.anyio


async def test_many_first_calls_share_one_sign_in(org: TestOrg) -> None:
    dock = org.dock()
    try:
        await asyncio.gather(*(dock.client.allowances() for _ in range(20)))
    finally:
        await dock.close()

    assert org.sign_ins == 1


async def test_an_expired_session_is_renewed_once_for_all_and_each_call_repeated(
    org: TestOrg, dock: SalesforceDock
) -> None:
    await asyncio.gather(*(dock.client.allowances() for _ in range(8)))
    org.simulator.expire_sessions()

    answers = await asyncio.gather(*(dock.client.allowances() for _ in range(20)))

    assert len(answers) == 20
    assert org.sign_ins == 1


async def test_an_expired_session_does_not_lose_a_write(org: TestOrg, dock: SalesforceDock) -> None:
    record = org.order()
    org.simulator.expire_sessions()

    assert await dock.report_statuses([status(record)]) == [None]

    assert org.row(record)["Hub_Status__c"] == "Accepted"


async def test_a_revoked_credential_is_told_to_all_and_tried_once(org: TestOrg, dock: SalesforceDock) -> None:
    org.revoke()

    outcomes = await asyncio.gather(*(dock.client.allowances() for _ in range(20)), return_exceptions=True)
    late = await asyncio.gather(dock.client.allowances(), return_exceptions=True)

    assert {type(outcome) for outcome in [*outcomes, *late]} == {NotAuthorized}
    assert org.sign_ins == 1


async def test_opening_again_forgets_a_refusal(org: TestOrg) -> None:
    good = org.simulator.org.directory.app(org.simulator.credentials.client_id)
    org.revoke()
    dock = org.dock()
    try:
        with pytest.raises(NotAuthorized) as refused:
            await dock.open()
        assert refused.value.code == "salesforce-sign-in"
        assert refused.value.vendor_code
        org.simulator.register_app(good)

        await dock.open()
    finally:
        await dock.close()


async def test_one_who_gives_up_does_not_take_the_sign_in_from_the_others(org: TestOrg) -> None:
    dock = org.dock()
    try:
        first = asyncio.create_task(dock.client.allowances())
        second = asyncio.create_task(dock.client.allowances())
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        first.cancel()

        assert (await second)["DailyApiRequests"].max
        assert org.sign_ins == 1
    finally:
        await dock.close()


async def test_client_credentials_sign_in_too(org: TestOrg) -> None:
    secret = org.simulator.credentials.client_secret
    async with org.open_dock(
        flow="client_credentials", client_secret=secret, private_key=None, username=""
    ) as dock:
        assert (await dock.check()).ok


async def test_both_surfaces_are_reached_over_tls_with_the_authority_that_is_named() -> None:
    async with running_org(tls=True) as org, org.open_dock() as dock:
        assert dock.client.settings.login_url.startswith("https://")
        record = org.order()
        assert [
            arrival.external_id for batch in await listen(dock, "", having(record)) for arrival in batch.arrivals
        ]
        stranger = org.dock(certificate_file="")
        try:
            with pytest.raises(Unavailable):
                await stranger.open()
        finally:
            await stranger.close()


async def test_a_local_org_starts_twice_and_stops_twice() -> None:
    local = LocalSalesforce()
    assert await local.start() == await local.start()
    await local.stop()
    await local.stop()


async def test_a_wrong_secret_is_not_authorized(org: TestOrg) -> None:
    dock = org.dock(flow="client_credentials", client_secret="wrong", private_key=None)
    try:
        with pytest.raises(NotAuthorized):
            await dock.open()
        check = await dock.check()
        assert not check.ok
        assert "wrong" not in check.detail
    finally:
        await dock.close()


@pytest.mark.parametrize(
    "changes",
    [
        {"private_key": None},
        {"username": ""},
        {"private_key": "-----BEGIN PRIVATE KEY-----\nnonsense\n-----END PRIVATE KEY-----"},
        {"flow": "client_credentials"},
        {"certificate_file": "no-such-file.pem"},
    ],
)
async def test_settings_that_do_not_fit_stop_before_the_start(org: TestOrg, changes: dict[str, Any]) -> None:
    with pytest.raises(Misconfigured) as wrong:
        org.dock(**changes)
    assert "nonsense" not in str(wrong.value)


async def test_an_org_that_is_not_there_is_unavailable() -> None:
    async with running_org() as org:
        dock = org.dock()
    try:
        with pytest.raises(Unavailable):
            await dock.open()
        assert not (await dock.check()).ok
    finally:
        await dock.close()


async def test_no_secret_is_told_whatever_goes_wrong(
    org: TestOrg, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    told: list[str] = []
    async with org.open_dock() as dock:
        session = await dock.client.sign_in.session()
        key = dock.client.settings.private_key
        assert key is not None
        record = org.order()
        await listen(dock, "", having(record))
        for fault in (LockRows(sobject="Order"), DropAfterCommit(method="PATCH"), DailyLimit(times=1)):
            org.trouble(fault)
            try:
                told += [repr(outcome) for outcome in await dock.report_statuses([status(record)])]
            except CrossdockError as error:
                told += [str(error), repr(error.findings)]
        told += [repr(dock), repr(dock.client.settings), repr(session), repr(dock.client.sign_in)]
    told += [f"{entry.getMessage()} {entry.__dict__}" for entry in caplog.records]
    told += capfd.readouterr()

    secrets = (session.access_token.reveal(), key.reveal(), key.reveal().splitlines()[1], "Anvil & Söhne")
    assert not [text[:80] for text in told for secret in secrets if secret in text]
