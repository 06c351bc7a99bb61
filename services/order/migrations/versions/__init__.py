"""One file a change, applied in order, never edited once released."""
