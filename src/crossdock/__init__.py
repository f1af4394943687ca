"""Crossdock: the retail integration hub between Salesforce, the ERP and everything between them."""

__version__ = "0.1.0"
