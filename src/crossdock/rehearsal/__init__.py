"""The real engine in simulated time, against simulated systems: an hour in a second, and the same again."""
