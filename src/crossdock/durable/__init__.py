"""Durable runs: steps that survive a crash, work that waits without memory, lanes that protect systems."""
