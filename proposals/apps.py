from django.apps import AppConfig


class ProposalsConfig(AppConfig):
    name = "proposals"

    def ready(self):
        from . import reactions  # noqa: F401  (it listens from here on)
