"""Where somebody is led once they are in: to the page of a guest's that they came for, and to nothing else."""

import re
from urllib.parse import urlencode

from django.shortcuts import redirect
from django.urls import Resolver404, resolve, reverse

# Neither a query nor a mark that a browser could read in another way. The door of a sign-in looks for the same.
PAGE = re.compile(r"/portal/[a-z0-9/.-]{0,100}")


def a_page_for_guests(view):
    """Mark a view as one whose page whoever signs in for it is led to."""
    view.is_for_guests = True
    return view


def match_of(address):
    """Return what an address of the portal leads to, where it is a page that is shown to guests; or nothing."""
    if not PAGE.fullmatch(address):
        return None
    try:
        match = resolve(address, "portal.urls")
    except Resolver404:
        return None
    return match if getattr(match.func, "is_for_guests", False) else None


def onward(request) -> str:
    """Return the page that a request asks to be led to, or nothing."""
    asked = request.POST.get("next") or request.GET.get("next", "")
    return asked if match_of(asked) else ""


def publication_of(address):
    """Return the number of the publication whose page an address is, or nothing."""
    match = match_of(address)
    return match.kwargs.get("pk") if match else None


def with_next(address, page) -> str:
    """Return an address that leads on to a page; home is where everybody is led in any case."""
    return (
        address if page in ("", reverse("room", "portal.urls")) else f"{address}?{urlencode({'next': page}, safe='/')}"
    )


def to_sign_in(page=""):
    """Lead somebody to the sign-in, and from there to the page that they came for."""
    return redirect(with_next(reverse("sign-in"), page))
