"""Goods that are exchanged for others."""
