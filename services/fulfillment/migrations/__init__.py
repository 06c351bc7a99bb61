"""How the fulfillment database came to look as it does."""
