"""How facts leave a service once, and arrive at another once in effect."""
