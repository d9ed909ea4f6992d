"""Who vouches that a mail is from whom it says: the server that took it in, or the provider that brings it."""

import re

from django.conf import settings

RESULT = re.compile(r"\s*([a-z-]+)(?:\s*/\s*\d+)?\s*=\s*([a-z]+)(.*)", re.IGNORECASE | re.DOTALL)
# What each check is about: the domain in From, the one that signed, the one that sent.
ABOUT = {"dmarc": r"header\.from", "dkim": r"header\.[di]", "spf": r"smtp\.mailfrom"}


def by_servers(headers: list[str], address: str) -> bool | None:
    """Return what our own server says of a sender, in the Authentication-Results of a mail (RFC 8601).

    A server writes its own above what came with the mail: of those that bear its name, the first counts.
    """
    own = next((one for one in headers if name_of(one) in settings.MAIL_VOUCHED_BY), None)
    if own is None or not address:
        return None
    found = [check for piece in bare(own).split(";")[1:] if (check := RESULT.match(piece))]
    said = [(check[1].lower(), check[2].lower(), check[3]) for check in found if check[1].lower() in ABOUT]
    if any((check, result) == ("dmarc", "fail") for check, result, _ in said):
        return False
    return True if any(result == "pass" and speaks_for(check, of, address) for check, result, of in said) else None


def name_of(header: str) -> str:
    """Return the name of the server that wrote a header."""
    return re.split(r"[\s;(]", header.strip(), maxsplit=1)[0].lower()


def bare(header: str) -> str:
    """Return a header without its comments and quoted words, in which the sender's own may stand."""
    kept, depth, quoted, letters = [], 0, False, iter(header)
    for letter in letters:
        if letter == "\\":
            next(letters, "")
        elif quoted:
            quoted = letter != '"'
        elif letter == '"' and not depth:
            quoted = True
            kept.append(letter)
        elif letter in "()":
            depth = max(0, depth + (1 if letter == "(" else -1))
        elif not depth:
            kept.append(letter)
    return "" if quoted or depth else "".join(kept)


def speaks_for(check: str, of: str, address: str) -> bool:
    """Whether a check that passed is about the domain of an address."""
    domains = re.findall(rf"{ABOUT[check]}\s*=\s*(\S+)", of, re.IGNORECASE)
    return any(is_of(domain.rpartition("@")[2], address) for domain in domains)


def is_of(domain: str, address: str) -> bool:
    """Whether an address is one of a domain, or of a domain below it."""
    domain, of = domain.strip(".").lower(), address.rpartition("@")[2].lower()
    return "." in domain and (of == domain or of.endswith(f".{domain}"))
