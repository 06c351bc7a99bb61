"""What owners do with their carts: one use case a file."""
