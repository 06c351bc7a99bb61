"""How fast work is done by providers, and goods are taken back."""
