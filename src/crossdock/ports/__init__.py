"""What the hub needs from the world: one Protocol per role, and the manifest of a dock."""
