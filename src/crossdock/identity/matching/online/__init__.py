"""The same levels, rules and weights for one pair at a time, without arrays: an arrival meets few records.

Arrays are cheap for thousands of pairs and dear for ten. Each module is the sibling of one that works on arrays
and must find the same for every pair; a test compares the two over thousands of pairs of every sort.
"""
