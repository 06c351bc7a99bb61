"""What can be asked of the PSP: a file each, with the command and what becomes of it."""
