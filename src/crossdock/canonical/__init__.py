"""What orders, parties, products and stock mean, without any vendor's wire."""
