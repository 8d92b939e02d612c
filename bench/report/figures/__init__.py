"""The figures of a report, one a file; each stands where the evidence supports it."""

from bench.report.drawing import Drawing
from bench.report.figures.draw import drawings, drawings_beside, sketches

__all__ = ["Drawing", "drawings", "drawings_beside", "sketches"]
