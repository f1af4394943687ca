"""Many seeds, each a small day full of faults, with the invariants checked after every step.

seed ─ scenario ─ simulation ─ findings ─ none: the next seed
└ some: shrunk, told with its trace
"""
