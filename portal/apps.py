import re

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import Error, Warning, register


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
    elif (found := contrast_with_paper(colour)) < 4.5:
        words = f"AGENCY_COLOUR {colour} is too pale to be read: {found:.1f} to 1 against the page, and 4.5 is needed."
    else:
        return []
    return [Error(words, hint="Choose a darker one.", id="portal.E001")]


def contrast_with_paper(colour) -> float:
    """Return how a colour stands out against the page (#fbfaf7), as WCAG 2 counts it."""
    light = [luminance(each) for each in (colour, "#fbfaf7")]
    return (max(light) + 0.05) / (min(light) + 0.05)


def luminance(colour) -> float:
    parts = (int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5))
    linear = [part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@register(deploy=True)
def the_certificate_is_set(app_configs, **kwargs):
    """Say before a deployment that nobody can have a sealed file checked in it."""
    if settings.SEAL_CERT:
        return []
    words = "SEAL_CERT is not set: nobody can be told here whether a sealed file is ours and unchanged."
    return [Warning(words, hint="Set the certificate of the pair that seals. See docs/deploy.md.", id="portal.W001")]
