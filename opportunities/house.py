"""What a new installation starts with of this app. An administrator changes it afterwards."""

from .models import ShelfLife
from .models.shelf_life import USUAL
from .records import begin


def furnish() -> int:
    """Add the shelf lives that are missing, and change none that is there. Return how many were added."""
    there = set(ShelfLife.objects.values_list("kind", flat=True))
    missing = [ShelfLife(kind=kind, days=days) for kind, days in USUAL.items() if kind not in there]
    for shelf_life in missing:
        begin(shelf_life, by=None, past="came with the house:")
    return len(missing)
