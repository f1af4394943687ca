"""Stores that no deployment names: for rehearsals, which keep everything in memory."""

from crossdock.storage.memory import MemoryDatabase, MemoryStore

__all__ = ["MemoryDatabase", "MemoryStore"]
