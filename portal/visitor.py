"""What the portal knows of the request in front of it: its cookies and where it comes from."""

from django.conf import settings

from .tokens import token_hash
from .words import clean

FORTNIGHT = 14 * 24 * 3600
HALF_AN_HOUR = 30 * 60
GUEST, PREVIEW, ASKED = "zarts_portal", "zarts_preview", "zarts_asked"


def is_secure():
    return settings.PORTAL_URL.startswith("https://")


def cookie_name(name):
    """Return a cookie's name; on https with the prefix that ties it to this host alone."""
    return f"__Host-{name}" if is_secure() else name


def set_cookie(response, name, value, lasts=FORTNIGHT):
    response.set_cookie(
        cookie_name(name), value, max_age=lasts, secure=is_secure(), httponly=True, samesite="Lax", path="/"
    )


def forget_cookie(response, name):
    response.set_cookie(cookie_name(name), "", max_age=0, secure=is_secure(), httponly=True, samesite="Lax", path="/")


def kept(request, name):
    return clean(request.COOKIES.get(cookie_name(name), ""))[:100]


def is_preview(request):
    """Whether somebody of the agency looks as a client. The cookie is enough to write nothing; the database decides
    what is shown.
    """
    return bool(kept(request, PREVIEW))


def session_token(request):
    """Return the token that this request holds. A preview goes first: who looks as a client is nobody's guest."""
    return kept(request, PREVIEW) or kept(request, GUEST)


def opened_cookie(token):
    return f"zarts_opened_{token_hash(token)[:16]}"


def reading_key(request, token):
    """Return the key by which a browser that opened this link is known, or nothing."""
    return clean(request.COOKIES.get(cookie_name(opened_cookie(token)), ""))[:100]


def is_prefetch(request):
    """Whether a browser asked ahead, for a page that nobody may come to see."""
    purpose = request.headers.get("Sec-Purpose", "") + request.headers.get("Purpose", "")
    return "prefetch" in purpose or "prerender" in purpose


def came_from_elsewhere(request):
    """Whether a form was sent from a page that is not ours, as far as the browser says."""
    return request.headers.get("Sec-Fetch-Site", "same-origin") != "same-origin"


def address(request):
    """Return where a request came from. Behind PROXIES proxies, what the outermost of them saw."""
    proxies = settings.PROXIES
    hops = [hop.strip() for hop in request.headers.get("X-Forwarded-For", "").split(",") if hop.strip()]
    if proxies and len(hops) >= proxies:
        return clean(hops[-proxies])[:64]
    return clean(request.META.get("REMOTE_ADDR", ""))[:64]


def agent(request):
    return clean(request.headers.get("User-Agent", ""))[:400]
