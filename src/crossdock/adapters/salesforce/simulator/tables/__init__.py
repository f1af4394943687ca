"""The org's tables: ids, metadata, rows, and the rules by which they may change."""
