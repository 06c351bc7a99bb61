"""The use cases of the history of orders."""
