"""The golden record: what each source said, field by field, and what holds by declared ownership."""
