"""How a page of the public surface is made."""

from django.conf import settings
from django.shortcuts import render

# The colour that stands in portal.css itself.
OURS = "#1c5d4c"


def page(request, name, status=200, **shown):
    """Show a template with the agency's name and the person who answers."""
    agency = {"name": settings.AGENCY_NAME, "person": settings.AGENCY_PERSON, "email": settings.AGENCY_EMAIL}
    agency |= {"logo": settings.AGENCY_LOGO, "colour": settings.AGENCY_COLOUR if settings.AGENCY_COLOUR != OURS else ""}
    return render(request, f"portal/{name}.html", {"agency": agency, **shown}, status=status)
