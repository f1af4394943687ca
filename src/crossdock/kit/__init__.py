"""Money, time, identifiers, errors, redaction: words that every room uses and none of them retail."""
