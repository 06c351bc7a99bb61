"""Simulated service providers, the carrier of their parcels, and warehouses that count returns."""
