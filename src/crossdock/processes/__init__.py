"""The hub's recipes: each file one process, readable from top to bottom, with no vendor in sight."""
