"""What was asked to be taken along, and what was erased."""

from .erasure import Erasure
from .own import OwnPiece, OwnTakeout

__all__ = ["Erasure", "OwnPiece", "OwnTakeout"]
