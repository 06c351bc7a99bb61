"""What fulfillment does for others: one file per use case."""
