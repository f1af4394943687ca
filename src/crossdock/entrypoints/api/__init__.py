"""The HTTP API: orders in, their status out, the desk, lanes, events, health; and the console beside it."""
