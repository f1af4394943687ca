"""Who may be forgotten, what is cleared where, and what stays to prove it."""
