"""What people in warehouses do with goods."""
