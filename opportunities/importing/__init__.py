"""Files that people really have, on their way in: read, mapped, checked as a whole, brought in batch by batch.

`files` reads them, `columns` guesses what is in them, `rows` says what one row means, `staging` puts all rows where the
database can compare them, `leads` and `deals` bring them in as sets, and `engine` does it bit by bit, so that it can be
stopped anywhere.
"""
