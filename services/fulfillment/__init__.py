"""Fulfillment: finds a service provider for each confirmed order and follows the parcels."""
