"""What a person or a client may take along, and what is erased of them."""
