"""The product service: what is sold, and how much of it there is."""
