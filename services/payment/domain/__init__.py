"""What a payment is, and what its books say: pure."""
