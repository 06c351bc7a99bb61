"""How fulfillment keeps its data."""
