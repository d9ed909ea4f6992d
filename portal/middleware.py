"""What every answer of the public surface carries, and how much a request may bring."""

from django.http import HttpResponse

from . import visitor
from .pages import page

LARGEST = 64 * 1024
# Where a file may come in: as much as a paper of ours can be, and its form around it.
LARGEST_AT = {"/verify": 5 * 1024 * 1024 + LARGEST}

HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; img-src 'self' data:; script-src 'self'; "
        "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    # Not no-referrer: browsers would send "Origin: null" with our own forms, and the CSRF check would refuse them.
    # To any other site this sends nothing either.
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "X-Robots-Tag": "noindex",
}


def wants_a_page(request):
    """Whether a person's browser asks, not a program."""
    return request.get_preferred_type(["text/plain", "text/html"]) == "text/html"


class PlainHeaders:
    """Refuse oversized requests and set the headers that keep a page to itself."""

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        response = self.refused_as_too_large(request) if self.too_large(request) else self.get_response(request)
        if response.status_code == 405 and wants_a_page(request):
            # Whoever passes the address on that a refused form left in their browser.
            shown = page(request, "refused/form_only", status=405)
            shown["Allow"], response = response["Allow"], shown
        for name, value in HEADERS.items():
            if name != "X-Robots-Tag" or request.path.startswith(("/p/", "/stop/", "/portal/")):
                response[name] = value
        if request.path.startswith("/stop/"):
            response["Referrer-Policy"] = "no-referrer"  # its form needs no CSRF check
        response.setdefault("Cache-Control", "no-store")
        return response

    @staticmethod
    def refused_as_too_large(request):
        again = request.path if request.path in LARGEST_AT else ""
        most = "5 MB" if again else "64 kB"
        if wants_a_page(request):
            return page(request, "refused/too_large", status=413, most=most, again=again)
        return HttpResponse(f"That is more than this address takes ({most}).", "text/plain", status=413)

    @staticmethod
    def too_large(request):
        try:
            return int(request.META.get("CONTENT_LENGTH") or 0) > LARGEST_AT.get(request.path, LARGEST)
        except ValueError:
            return True


class PreviewWritesNothing:
    """Refuse whatever a preview would do. The database refuses it, too: a preview is no session."""

    OWN = ("/portal/preview/", "/portal/enter/", "/portal/sign-in")

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        writes = request.method not in ("GET", "HEAD") and request.path.startswith(("/p/", "/portal/"))
        if writes and not request.path.startswith(self.OWN) and visitor.is_preview(request):
            return page(request, "refused/preview", status=403)
        return self.get_response(request)
