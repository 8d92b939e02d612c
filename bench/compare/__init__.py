"""Statistics of a finished study: arrays in, frozen results out; no files, no global random state."""

from bench.compare.family import holm
from bench.compare.groups import GroupInterval, GroupUnit, PairCounts, auroc, paired_auroc_by_group
from bench.compare.paired import Paired, SignFlip, detectable_gap, paired_difference, sign_flip, t_interval
from bench.compare.rates import FailRate, fail_rate
from bench.compare.verdict import Verdict, verdict

__all__ = [
    "FailRate",
    "GroupInterval",
    "GroupUnit",
    "PairCounts",
    "Paired",
    "SignFlip",
    "Verdict",
    "auroc",
    "detectable_gap",
    "fail_rate",
    "holm",
    "paired_auroc_by_group",
    "paired_difference",
    "sign_flip",
    "t_interval",
    "verdict",
]
