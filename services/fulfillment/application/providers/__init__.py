"""What is known of providers: who they are, how they do, why they are asked."""
