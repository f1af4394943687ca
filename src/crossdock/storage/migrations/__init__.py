"""Additive migrations: a database of the last release works before and after."""
