from django.apps import AppConfig


class Hooks(AppConfig):
    name = "zarts.hooks"

    def ready(self):
        from . import reactions  # noqa: F401
