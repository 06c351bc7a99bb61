"""Looking after the stories of orders: what waits for whom, and moving it on by hand."""
