from django.apps import AppConfig


class HandoffConfig(AppConfig):
    name = "handoff"

    def ready(self):
        from . import reactions  # noqa: F401  (it listens from here on)
