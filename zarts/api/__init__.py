"""What other programs write: leads, messages and what was paid, each call once, within a token's scope."""
