"""Reading the books: as of any time, and what is once told never changes."""
