"""How goods are promised to orders."""
