"""How people and systems reach the hub: an entry point translates a request into one call, and decides nothing."""
