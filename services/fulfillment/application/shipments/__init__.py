"""What is done about parcels: packed, labelled, tracked, lost and sent back."""
