"""Docks: one folder per system, found by entry point and imported by nobody."""
