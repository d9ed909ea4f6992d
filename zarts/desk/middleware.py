"""What every staff page has around it."""

from zoneinfo import ZoneInfo

from django.http import HttpResponseNotAllowed
from django.utils import timezone


class OwnTimeZone:
    """Show and read times in the zone of whoever is signed in."""

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        name = getattr(request.user, "time_zone", "")
        with timezone.override(ZoneInfo(name) if name else None):
            return self.get_response(request)


class OnlyPages:
    """Refuse what is no page and no form: the staff surface knows GET and POST."""

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        if request.method not in ("GET", "HEAD", "POST"):
            return HttpResponseNotAllowed(["GET", "HEAD", "POST"])
        return self.get_response(request)
