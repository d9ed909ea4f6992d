from django.apps import AppConfig


class OpportunitiesConfig(AppConfig):
    name = "opportunities"

    def ready(self):
        from . import reactions, walls  # noqa: F401  (it listens from here on)

        walls.build()
