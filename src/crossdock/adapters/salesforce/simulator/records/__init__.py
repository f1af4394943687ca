"""Writing rows: what a caller sent becomes a valid row, or a refusal in the vendor's words."""
