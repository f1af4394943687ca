"""Onboarding, put together for a deployment that asks for it."""

from collections.abc import Callable, Mapping
from typing import Any

from crossdock.bootstrap.addresses import Addresses, Provider
from crossdock.bootstrap.deployment import Deployment
from crossdock.durable.process import Process
from crossdock.durable.run import Startable
from crossdock.identity.golden.ledger import PartyLedger
from crossdock.identity.golden.ownership import Ownership
from crossdock.identity.golden.work import TouchedParty
from crossdock.identity.onboarding.work import NewCompany, UnverifiedAddresses
from crossdock.kit.clock import Clock
from crossdock.ports.address_validator import AddressValidator
from crossdock.ports.customer_sink import CustomerSink
from crossdock.processes import customer_addresses, customer_onboarding


def addresses_of(deployment: Deployment, docks: Mapping[str, Any], clock: Clock) -> Addresses:
    """The validator of addresses: the rules of their countries, and the provider that the routes name."""
    name = deployment.routes.addresses
    provider = None
    if name:
        batch_max = deployment.manifest_of(name).limits.batch_max
        provider = Provider(system=name, dock=docks[name], batch_max=batch_max)
    return Addresses(provider, deployment.policies.reference_age_seconds, clock)


def looking_again_of(
    deployment: Deployment, ownership: Ownership, parties: PartyLedger, addresses: AddressValidator, clock: Clock
) -> Process[UnverifiedAddresses] | None:
    """The process that asks again about addresses, where companies are onboarded and there is somebody to ask."""
    if deployment.policies.onboarding is None or not deployment.routes.addresses:
        return None
    return customer_addresses.customer_addresses(
        customer_addresses.Collaborators(parties=parties, ownership=ownership, addresses=addresses, clock=clock)
    )


def onboarding_of(
    deployment: Deployment,
    ownership: Ownership,
    parties: PartyLedger,
    doubles: customer_onboarding.Doubles,
    sinks: Mapping[str, CustomerSink],
    addresses: AddressValidator,
    clock: Clock,
    mark: str,
    update: Callable[[], Startable[TouchedParty]],
    again: Startable[UnverifiedAddresses] | None,
) -> Process[NewCompany] | None:
    """The process, where the deployment has rules for it."""
    rules = deployment.policies.onboarding
    if rules is None:
        return None
    return customer_onboarding.customer_onboarding(
        customer_onboarding.Collaborators(
            parties=parties,
            ownership=ownership,
            erp=sinks[rules.erp],
            doubles=doubles,
            addresses=addresses,
            rules=rules,
            clock=clock,
            mark=mark,
            settle_seconds=deployment.manifest_of(rules.erp).outcome_settles_seconds,
            update=update,
            again=again,
        )
    )
