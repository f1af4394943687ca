"""Decisions as pure functions: facts in, verdict out, no calls."""
