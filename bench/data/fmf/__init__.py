"""The public benchmark of fused-magnesia smelting: shell video, three-phase current, pixel masks."""

from bench.data.fmf.source import Fmf, FmfParameters

__all__ = ["Fmf", "FmfParameters"]
