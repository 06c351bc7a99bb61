"""Reconciliation, kept in PostgreSQL."""
