"""What the order service reaches out to: its database, other services, the broker."""
