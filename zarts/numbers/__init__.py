"""How we are doing, and why: counted by the database as things happen."""
