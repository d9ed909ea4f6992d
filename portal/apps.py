from django.apps import AppConfig


class PortalConfig(AppConfig):
    """The client's side of the house: an island that knows only approved words."""

    name = "portal"
    default_auto_field = "django.db.models.BigAutoField"
