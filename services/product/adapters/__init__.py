"""How the service keeps its data in PostgreSQL."""
