"""Due work under faults: real processes are killed, frozen and lied to, and what came of every item is counted."""
