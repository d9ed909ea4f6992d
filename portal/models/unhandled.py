from django.db import models


class UnhandledQuerySet(models.QuerySet):
    def unhandled(self):
        """Return what still waits for the agency, oldest first."""
        return self.filter(handled_at=None).order_by("id")
