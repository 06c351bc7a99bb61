"""Where the outside world comes in: gRPC calls and timers."""
