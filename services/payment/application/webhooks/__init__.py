"""What the PSP tells of its own accord: written down, worked off, forgotten."""
