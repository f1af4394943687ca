"""For those who write adapters: builders, and the conformance suite that holds every dock to its promises."""
