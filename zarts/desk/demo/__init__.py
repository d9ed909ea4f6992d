"""A believable agency, made by the real moves on the days on which they could have happened."""
