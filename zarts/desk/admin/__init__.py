"""The pages that show what several apps know: they stand here, where all apps are known."""

from . import campaigns, checkpoints, opportunity  # noqa: F401  (each registers its pages)
