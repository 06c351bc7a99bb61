"""What `bench-product` measures: the product service beside what its servers do alone."""
