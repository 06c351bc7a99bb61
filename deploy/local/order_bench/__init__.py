"""Orders measured from placed to completed, beside what bare servers do."""
