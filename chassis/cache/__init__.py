"""What was read is kept close: in this process, and in a server that all replicas share."""
