"""A small made-up shop, and what is to happen in it."""
