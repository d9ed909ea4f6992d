"""One box that finds a client, a deal, a message or a note."""
