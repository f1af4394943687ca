"""Crash runs: real processes and databases are killed under load, and the ERP is asked what is left."""
