"""Where payments and books are kept, and the PSP that is talked to."""
