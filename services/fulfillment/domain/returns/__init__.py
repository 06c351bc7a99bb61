"""Goods that come back, or are made good for."""
