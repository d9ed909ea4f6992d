"""What was asked to be taken along."""

from .own import OwnPiece, OwnTakeout

__all__ = ["OwnPiece", "OwnTakeout"]
