"""Arms: the baseline and everything that is compared with it, resolved to plain values."""

from bench.arms.arm import CONTROLS, REFERENCES, Arm, reference_arm, resolve_arms
from bench.arms.conditions import CONDITIONS
from bench.arms.resolve import resolve
from bench.arms.sameness import DEPENDS, OPTIONAL, completed, identified, used

__all__ = [
    "CONDITIONS",
    "CONTROLS",
    "DEPENDS",
    "OPTIONAL",
    "REFERENCES",
    "Arm",
    "completed",
    "identified",
    "reference_arm",
    "resolve",
    "resolve_arms",
    "used",
]
