"""Real invoices, and what they become."""
