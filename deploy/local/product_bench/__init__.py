"""Measures what people and shops do with the product service."""
