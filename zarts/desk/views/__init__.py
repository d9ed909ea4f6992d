"""The pages about everything. Each says in its first line who may see it."""
