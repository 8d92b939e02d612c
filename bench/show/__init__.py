"""Showing one recording as it was read: from the record alone, nothing is trained."""

from bench.show.find import Shelf
from bench.show.show import Asked, show
from bench.show.words import listed, told

__all__ = ["Asked", "Shelf", "listed", "show", "told"]
