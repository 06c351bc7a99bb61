"""How the world reaches the order service: gRPC in, events in."""
