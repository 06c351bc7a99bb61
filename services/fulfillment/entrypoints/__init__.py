"""How the world reaches fulfillment: calls, events, notices, and the passing of time."""
