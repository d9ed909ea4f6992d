"""What the fields of a template stand for."""


def fill(version, *, contact, owner, opportunity=None, record=None) -> tuple[str, str]:
    """Return the subject and the words of a template for one contact. Raises Refused for what is empty."""
    return version.subject, version.body
