"""A walk of a real browser through a running installation, and what it met."""
