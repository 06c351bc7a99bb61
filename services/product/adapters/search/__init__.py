"""Search by PostgreSQL's own means (ADR-0020)."""
