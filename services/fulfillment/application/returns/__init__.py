"""What happens to goods that come back, or are made good for: one file per use case."""
