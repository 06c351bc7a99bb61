"""What can be done with products."""
