"""Prepared reads: eight sources, five views of each, for programs, for BI tools and for our own pages."""
