"""Companies on their way to being customers: what is kept of each, and what people decide about its credit."""
