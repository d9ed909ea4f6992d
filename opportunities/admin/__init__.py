"""The staff pages of the path. `base` holds what they share."""

from . import clients, imports, leads, opportunity, people, proof, work  # noqa: F401  (each registers its pages)
