"""What the demo's clients said, what we measured at theirs, and what we offered them."""
