"""What all lists have in common: filters, order, columns, views that are saved, files, and many rows at once.

`asked.py` reads what an address asks of a list; the others each do one thing with it.
"""
