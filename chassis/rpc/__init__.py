"""How services call each other: one server factory, one channel factory."""
