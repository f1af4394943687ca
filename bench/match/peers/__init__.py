"""Other matchers, each a program in an environment of its own."""
