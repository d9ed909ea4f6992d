"""The way out of marketing mail: one click in the mail itself."""


def links(message) -> dict:
    """Return the headers with which a mail program offers to stop this kind of mail."""
    return {}


def line(message) -> str:
    """Return the sentence at the end of a mail that says how to stop this kind of mail."""
    return ""
