"""Settlement: what the PSP says it has moved, held beside the books to the cent."""
