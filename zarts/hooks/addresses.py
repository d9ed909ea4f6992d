"""Where a webhook may lead: out of the house, never into its own network.

What is typed is judged by its look; what a name leads to is judged at each delivery, by whoever connects.
"""

import ipaddress
import re
import socket
from urllib.parse import urlsplit

import requests
from django.conf import settings
from django.core.exceptions import ValidationError

PORTS = (443, 8443)
# Names that lead into one's own network, whatever they lead to.
INNER = ("localhost", "local", "internal", "intranet", "lan", "home.arpa", "localdomain")
# IPv6 addresses that carry an IPv4 address at their end: NAT64.
CARRIES = ipaddress.ip_network("64:ff9b::/96")
INSIDE = "This leads into a private network. Use an address of the internet, or have HOOKS_OWN_HOSTS name this host."


def is_ours(host: str, port: int) -> bool:
    """Whether whoever runs the house named this host as one of their own network that may be told."""
    named = [name.strip().lower() for name in settings.HOOKS_OWN_HOSTS]
    return host in named or f"{host}:{port}" in named


def refuse_address(url: str):
    """Refuse an address that nothing of ours should be sent to, and say what to write instead."""
    if re.search(r"[\s\\\x00-\x1f\x7f]", url):
        raise ValidationError("Write the address without spaces and backslashes.")
    try:
        parts = urlsplit(url)
        host, port = (parts.hostname or "").rstrip("."), parts.port
    except ValueError:
        raise ValidationError("Write the whole address, such as https://example.com/hooks.") from None
    if parts.scheme not in ("https", "http") or not host:
        raise ValidationError("Write the whole address, such as https://example.com/hooks.")
    if "@" in parts.netloc:
        raise ValidationError("Leave out the name and password before the @: whatever is sent is signed instead.")
    host = as_called(url, host)
    if port is None:
        port = 443 if parts.scheme == "https" else 80
    if is_ours(host, port):
        return
    if parts.scheme != "https":
        raise ValidationError("Begin with https://: what is sent is nobody else's to read.")
    if port not in PORTS:
        raise ValidationError("Use port 443 or 8443.")
    if is_inner_name(host) or not is_public_if_number(host):
        raise ValidationError(INSIDE)


def as_called(url: str, host: str) -> str:
    """Return a host as it is called: in the letters that names have, whatever was typed. That is what is judged."""
    try:
        if not host.isascii():
            host = urlsplit(requests.Request("POST", url).prepare().url or "").hostname or ""
        host.encode("idna")
    except (requests.exceptions.RequestException, ValueError):
        raise ValidationError("No host has such a name. Check each part between its dots: 1 to 63 letters.") from None
    return host


def is_inner_name(host: str) -> bool:
    """Whether a name is one of a private network by its look: its end says so, or it has a single part."""
    if ":" in host:
        return False
    return any(host == end or host.endswith(f".{end}") for end in INNER) or "." not in host.strip(".")


def is_public_if_number(host: str) -> bool:
    """Whether a host is a name, or a number of the internet. Names are judged when they are looked up."""
    try:
        return is_public(host)
    except ValueError:
        pass
    try:
        # What the system takes for an address, too: 0x7f.1, 127.1, 0177.0.0.1.
        return is_public(socket.inet_ntoa(socket.inet_aton(host)))
    except (OSError, ValueError):
        return True


def is_public(address: str) -> bool:
    """Whether an address belongs to the internet: not private, not of this machine, not of a cloud's own services."""
    ip = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(ip, ipaddress.IPv6Address):
        inner = ip.ipv4_mapped
        if inner is None and ip in CARRIES:
            inner = ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
        if inner is not None:
            return is_public(str(inner))
        if ip.sixtofour or ip.teredo or ip.is_site_local:
            return False
    return ip.is_global and not (ip.is_multicast or ip.is_reserved or ip.is_unspecified)
