"""Thousands race for a hundred units, over replicas that are killed: none is sold twice or lost."""
