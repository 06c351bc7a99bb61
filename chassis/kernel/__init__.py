"""The words a domain may use: pure, no I/O, no framework."""
