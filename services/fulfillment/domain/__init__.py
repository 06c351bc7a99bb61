"""The rules of fulfillment: providers, offers, parcels. Pure."""
