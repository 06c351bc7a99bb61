"""What the order service does, one file a use case; `order_saga.py` tells the story."""
