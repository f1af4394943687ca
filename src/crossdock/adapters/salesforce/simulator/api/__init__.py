"""The HTTP surface: sign-in, rows, queries, composites, collections, Bulk 2.0 and the control panel."""
