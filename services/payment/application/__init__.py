"""What may be asked of the payment service, a use case a file."""
