"""What a running service tells of itself: traces and logs, set up once, at the edges."""
