"""Availability: what may be promised, held before it is promised."""
