"""What the product service does, measured beside the least that it could cost."""
