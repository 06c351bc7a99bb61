"""The world outside the suite: its customers, its providers, its patience."""
