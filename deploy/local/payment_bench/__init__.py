"""What `bench-payment` measures: payments and their books beside what the servers do alone."""
