"""What other systems are told of, event by event, signed and in order."""
