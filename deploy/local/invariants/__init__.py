"""What must always hold, read from the databases and the streams themselves."""
