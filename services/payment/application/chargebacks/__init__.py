"""What payers' banks take back, and what is said against it."""
