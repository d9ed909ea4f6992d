"""The staff pages of what is promised."""

from . import approvals, contracts, house, library, proposals, summaries  # noqa: F401  (each registers its pages)
