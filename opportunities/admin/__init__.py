"""The staff pages of the path. `base` holds what they share."""

from . import (  # noqa: F401  (each registers its pages)
    checkpoints,
    clients,
    discovery,
    evidence,
    imports,
    inbound,
    leads,
    notes,
    opportunity,
    people,
    proof,
    questionnaires,
    quiet,
    sequences,
    task,
    templates,
    views,
    winbacks,
    work,
)
