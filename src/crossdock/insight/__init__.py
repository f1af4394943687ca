"""What people and systems want to know: the order board, an order's journey, what is at risk. Never decides."""
