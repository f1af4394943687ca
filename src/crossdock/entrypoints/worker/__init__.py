"""The hub as a long-running process: its log, its signals, its end."""
