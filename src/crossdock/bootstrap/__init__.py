"""The composition root: reads a deployment, finds its docks, wires storage, lanes and processes."""
