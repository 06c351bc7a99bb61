"""How the payment database came to look as it does."""
