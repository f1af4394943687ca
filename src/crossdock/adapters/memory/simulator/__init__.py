"""A small ERP: in process or over HTTP on loopback, with faults on demand."""
