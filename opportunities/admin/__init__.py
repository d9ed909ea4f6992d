"""The staff pages of the path. `base` holds what they share."""

from . import clients, leads, opportunity, people, proof, views, work  # noqa: F401  (each registers its pages)
