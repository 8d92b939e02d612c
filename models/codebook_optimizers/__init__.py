"""Codebook optimisers: which channels of the frozen code vectors the head reads."""

from models.codebook_optimizers.none import AllChannels
from models.codebook_optimizers.toc import TOC, TOCParameters

__all__ = ["TOC", "AllChannels", "TOCParameters"]
