"""Whose a record is, before anything is created: candidates from the index, a decision, and a place in the index.

`index` says what the hub's store offers and how it is changed, `deciding` decides, `starting_model` serves until a
model was trained, `profiles` turns what a system says into what is compared. Nothing here does I/O.
"""
