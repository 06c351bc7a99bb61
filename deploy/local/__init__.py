"""The local cluster: real servers from wheels, one command, no containers."""
