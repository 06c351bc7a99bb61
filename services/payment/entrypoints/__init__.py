"""Where the payment service is called from: gRPC, and time."""
