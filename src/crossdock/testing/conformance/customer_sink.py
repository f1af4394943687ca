"""The promises of a customer sink, which writes as carefully as any other role."""

from typing import Any

from crossdock.canonical.party import Contact, Party, Person, PersonName
from crossdock.kit.errors import CrossdockError
from crossdock.ports.customer_sink import CustomerWrite
from crossdock.ports.manifest import Role
from crossdock.testing.conformance.manners import Manners
from crossdock.testing.estate import Estate


class CustomerSinkConformance(Manners):
    """Everything a customer sink promises."""

    role_name = Role.CUSTOMER_SINK.value
    role = Role.CUSTOMER_SINK
    _count = 0

    async def exchange(self, dock: Any, bench: Any, estate: Estate) -> Any:
        """Create a customer; a lone write's error counts like a raised one."""
        CustomerSinkConformance._count += 1
        name = PersonName(given="Grete", family="Beispiel")
        says = Party(kind="person", person=Person(name=name), contact=Contact(email="grete@example.com"))
        (outcome,) = await dock.write_customers([CustomerWrite(key=f"XDEXCHANGE{self._count}", says=says)])
        if isinstance(outcome, CrossdockError):
            raise outcome
        return outcome
