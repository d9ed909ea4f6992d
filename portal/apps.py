from django.apps import AppConfig
from django.conf import settings
from django.core.checks import Warning, register


class PortalConfig(AppConfig):
    """The client's side of the house: an island that knows only approved words."""

    name = "portal"
    default_auto_field = "django.db.models.BigAutoField"


@register(deploy=True)
def the_certificate_is_set(app_configs, **kwargs):
    """Say before a deployment that nobody can have a sealed file checked in it."""
    if settings.SEAL_CERT:
        return []
    words = "SEAL_CERT is not set: nobody can be told here whether a sealed file is ours and unchanged."
    return [Warning(words, hint="Set the certificate of the pair that seals. See docs/deploy.md.", id="portal.W001")]
