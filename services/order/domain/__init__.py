"""The rules of an order, free of any technology."""
