"""Who is whom: keys find candidates, comparisons weigh them, rules may decide first, clusters gather them.

The order of a match: `normalise` → `keys` → `rules` → `comparisons` → `scoring` → `clusters`. `training` learns
the `model` from the records themselves; `bulk` runs all of it over many records. Nothing here does I/O.
"""
