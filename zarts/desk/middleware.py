"""What every staff page has around it."""

from django.conf import settings
from django.contrib.auth.views import redirect_to_login
from django.http import HttpResponseNotAllowed
from django.urls import reverse
from django.utils import timezone

from opportunities.records import Refused
from opportunities.repeating import zone_of
from opportunities.typed import page_behind, typed

from .views.refused import form_only, refused, signed_out


class OwnTimeZone:
    """Show and read times in the zone of whoever is signed in."""

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        name = getattr(request.user, "time_zone", "")
        with timezone.override(zone_of(name) if name else None):
            return self.get_response(request)


class KeepsWords:
    """Show what was typed to whoever was signed out meanwhile: to be led to the sign-in would drop it.

    Who typed nothing signs in, and goes on where they were: the form's own address is often no page.
    """

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        # A script of ours says by itself that somebody is signed out, and keeps the words where they are.
        is_script = "X-Requested-With" in request.headers
        is_form = request.method == "POST" and request.path.startswith("/admin/") and not is_script
        sign_in = reverse("admin:login")
        if is_form and not request.user.is_authenticated and request.path != sign_in:
            if typed(request):
                return signed_out(request)
            return redirect_to_login(page_behind(request) or request.get_full_path(), sign_in)
        return self.get_response(request)


class SaysRefusals:
    """Say what a rule refused, where the page itself does not, and show what was typed."""

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        return self.get_response(request)

    def process_exception(self, request, exception):
        return refused(request, exception) if isinstance(exception, Refused) else None


class OwnCodeOnly:
    """Let a browser run and load only what this surface serves itself.

    Alpine, which the theme brings, makes functions of the words in its attributes: hence `unsafe-eval`. htmx and the
    charts write styles: hence `unsafe-inline` for those. A preview as client leads from a form of ours to the portal.
    """

    POLICY = (
        "default-src 'self'; script-src 'self' 'unsafe-eval'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
        "object-src 'none'; base-uri 'none'; frame-ancestors 'none'; "
        f"form-action 'self' {settings.PORTAL_URL}"
    )

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        response = self.get_response(request)
        # What is shown inside a page of ours has a policy of its own, and a narrower one.
        response.setdefault("Content-Security-Policy", self.POLICY)
        return response


class OnlyPages:
    """Refuse what is no page and no form: the staff surface knows GET and POST. Who reads a form's address is told so.

    What programs call says itself, in its own way, what it answers.
    """

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        if request.method not in ("GET", "HEAD", "POST") and not request.path.startswith("/api/"):
            return HttpResponseNotAllowed(["GET", "HEAD", "POST"])
        response = self.get_response(request)
        if response.status_code == 405 and request.method == "GET" and request.path.startswith("/admin/"):
            return form_only(request, response["Allow"])
        return response
