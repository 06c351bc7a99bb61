"""Thousands of lives of orders in seconds: the real saga and runner, all else in memory."""
