import re
from urllib.parse import urlsplit

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import Error, Warning, register

from .looks import PAPER, contrast, static_file


class PortalConfig(AppConfig):
    """The client's side of the house: an island that knows only approved words."""

    name = "portal"
    default_auto_field = "django.db.models.BigAutoField"


@register()
def the_colour_can_be_read(app_configs, **kwargs):
    """Refuse a colour that is none, or on which nobody could read: 4.5 to 1 is what WCAG asks of text."""
    colour = settings.AGENCY_COLOUR
    if not re.fullmatch("#[0-9a-f]{6}", colour):
        words = f"AGENCY_COLOUR is “{colour}”: write it as #rrggbb, such as #1c5d4c."
    elif (found := contrast(colour, PAPER)) < 4.5:
        words = f"AGENCY_COLOUR {colour} is too pale to be read: {found:.1f} to 1 against the page, and 4.5 is needed."
    else:
        return []
    return [Error(words, hint="Choose a darker one.", id="portal.E001")]


@register()
def the_logo_is_there(app_configs, **kwargs):
    """Refuse a logo that is not below static/: no page could be shown."""
    if not settings.AGENCY_LOGO or static_file(settings.AGENCY_LOGO):
        return []
    words = f"AGENCY_LOGO is “{settings.AGENCY_LOGO}”, and there is no such file below static/."
    return [
        Error(words, hint="Put it there, such as static/brand/logo.svg, and write brand/logo.svg.", id="portal.E002")
    ]


@register(deploy=True)
def the_address_can_be_mailed(app_configs, **kwargs):
    """Say before a deployment that the links in mails would lead nowhere, or in the clear."""
    url = urlsplit(settings.PORTAL_URL)
    if url.scheme == "https" and url.hostname not in ("localhost", "127.0.0.1") and not url.path:
        return []
    words = f"PORTAL_URL is “{settings.PORTAL_URL}”: links in mails lead there, and cookies and passkeys rest on it."
    return [Warning(words, hint="Set the portal's own address, such as https://clients.example.", id="portal.W002")]


@register(deploy=True)
def the_certificate_is_set(app_configs, **kwargs):
    """Say before a deployment that nobody can have a sealed file checked in it."""
    if settings.SEAL_CERT:
        return []
    words = "SEAL_CERT is not set: nobody can be told here whether a sealed file is ours and unchanged."
    return [Warning(words, hint="Set the certificate of the pair that seals. See docs/deploy.md.", id="portal.W001")]
