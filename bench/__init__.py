"""Measurements: each prints figures and ratios of one run on one machine; timings never decide a test."""
