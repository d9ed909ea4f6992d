"""What every staff page has around it."""

from zoneinfo import ZoneInfo

from django.utils import timezone


class OwnTimeZone:
    """Show and read times in the zone of whoever is signed in."""

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        name = getattr(request.user, "time_zone", "")
        with timezone.override(ZoneInfo(name) if name else None):
            return self.get_response(request)
