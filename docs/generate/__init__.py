"""What the pages say that the code says better: written here, compared in `tests/docs`."""
