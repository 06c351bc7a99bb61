"""How the order service's tables came to be."""
