"""What became of orders, as the events of all services tell it."""
