"""Who knocks at the staff's sign-in: five wrong passwords for one name from one address close it there for a while."""

from ipaddress import ip_address

from django.conf import settings

from portal.visitor import address

from .views.refused import refuse


def knocker(request) -> str | None:
    """Return the address that a try came from, or None where it is none."""
    try:
        return str(ip_address(address(request)))
    except ValueError:
        return None


def closed(request, response, credentials):
    """Say that it is closed and for how long, whether the name is known or not."""
    minutes = settings.AXES_COOLOFF_TIME.seconds // 60
    words = f"That was wrong too often. Try again in {minutes} minutes, or ask an administrator for a new password."
    return refuse(request, 429, "Sign-in is closed for now", words)
