"""Events and commands that other systems rely on: versioned, published as JSON Schema, changed additively."""
