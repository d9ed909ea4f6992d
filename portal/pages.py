"""How a page of the public surface is made."""

from django.conf import settings
from django.shortcuts import render

from . import visitor

# The colour that stands in portal.css itself.
OURS = "#1c5d4c"


def agency() -> dict:
    """Return who speaks on a page: the agency's name and looks, and the person who answers."""
    return {
        "name": settings.AGENCY_NAME,
        "person": settings.AGENCY_PERSON,
        "email": settings.AGENCY_EMAIL,
        "logo": settings.AGENCY_LOGO,
        "colour": settings.AGENCY_COLOUR if settings.AGENCY_COLOUR != OURS else "",
    }


def page(request, name, status=200, **shown):
    """Show a template with the agency's name and the person who answers."""
    known = {"agency": agency(), "in_preview": visitor.is_preview(request)}
    return render(request, f"portal/{name}.html", {**known, **shown}, status=status)
