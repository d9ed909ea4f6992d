"""How a page of the public surface is made."""

from django.conf import settings
from django.shortcuts import render


def page(request, name, status=200, **shown):
    """Show a template with the agency's name and the person who answers."""
    agency = {"name": settings.AGENCY_NAME, "person": settings.AGENCY_PERSON, "email": settings.AGENCY_EMAIL}
    return render(request, f"portal/{name}.html", {"agency": agency, **shown}, status=status)
