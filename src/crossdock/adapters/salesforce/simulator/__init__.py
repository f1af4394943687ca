"""A Salesforce org on loopback, with its quirks and with faults on demand."""

from crossdock.adapters.salesforce.simulator.simulator import Credentials, SalesforceSimulator

__all__ = ["Credentials", "SalesforceSimulator"]
