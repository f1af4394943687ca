"""What several adapters share to talk to vendors; it knows none of them."""
