"""What a file of invoices says beside what the databases have."""
