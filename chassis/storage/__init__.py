"""How a service keeps its data in its own PostgreSQL database."""
