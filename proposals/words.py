"""What words for clients may hold at all. Earlier migrations know it by this name."""

from opportunities.words import plain_words

__all__ = ["plain_words"]
