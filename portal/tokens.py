"""How a secret in a link is made, and what of it is kept."""

import hashlib
import secrets

TOKEN = "[A-Za-z0-9_-]{43}"  # noqa: S105 - the shape of a token, not one


def new_token():
    """Make a secret of 256 bits for a link or a cookie. It is shown once and never stored."""
    return secrets.token_urlsafe(32)


def new_code():
    """Make six digits that a person can type."""
    return f"{secrets.randbelow(10**6):06}"


def token_hash(token):
    """Return what is stored of a token; the database's `portal_hash` gives the same."""
    return hashlib.sha256(token.encode()).hexdigest()
