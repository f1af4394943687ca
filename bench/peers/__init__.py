"""Peers: the same six durable steps on other engines, measured beside ours in one run (see README.md)."""
