"""Statistics of a finished study: arrays in, frozen results out; no files, no global random state."""

from bench.compare.bounds import WorstCase, worst_case
from bench.compare.cliques import cliques
from bench.compare.confusion import Confusion, balanced_accuracy
from bench.compare.delong import DeLong, delong
from bench.compare.effect import effect_interval
from bench.compare.equivalence import RopeProbabilities, rope_correlated_t, rope_signed_rank, tost
from bench.compare.factorial import factorial
from bench.compare.family import benjamini_hochberg, fewest_pairs, holm
from bench.compare.flipped import sign_flip_interval
from bench.compare.grid import Effect, Factorial, Omnibus
from bench.compare.groups import GroupInterval, GroupUnit, PairCounts, auroc, paired_auroc_by_group
from bench.compare.medians import Medians
from bench.compare.paired import Paired, SignFlip, differences, paired_difference, sign_flip, t_interval
from bench.compare.pairwise import Pairwise, pairwise
from bench.compare.power import (
    detectable_gap,
    equivalence_power,
    power_of,
    seeds_for_equivalence,
    seeds_needed,
)
from bench.compare.ranks import Ranks, nemenyi, ranked
from bench.compare.rates import FailRate, fail_rate, wilson
from bench.compare.resampled import CorrectedT, corrected_t
from bench.compare.sequential import Expected, Look, Sequential
from bench.compare.two_level import TwoLevel, two_level
from bench.compare.verdict import Verdict, verdict
from bench.compare.welch import Welch, welch
from bench.compare.wilcoxon import Wilcoxon, hodges_lehmann, wilcoxon
from bench.compare.within import Within, within_correlation
from bench.compare.worlds import Estimate, Profile, improvement, iqm, iqm_difference, profile

__all__ = [
    "Confusion",
    "CorrectedT",
    "DeLong",
    "Effect",
    "Estimate",
    "Expected",
    "Factorial",
    "FailRate",
    "GroupInterval",
    "GroupUnit",
    "Look",
    "Medians",
    "Omnibus",
    "PairCounts",
    "Paired",
    "Pairwise",
    "Profile",
    "Ranks",
    "RopeProbabilities",
    "Sequential",
    "SignFlip",
    "TwoLevel",
    "Verdict",
    "Welch",
    "Wilcoxon",
    "Within",
    "WorstCase",
    "auroc",
    "balanced_accuracy",
    "benjamini_hochberg",
    "cliques",
    "corrected_t",
    "delong",
    "detectable_gap",
    "differences",
    "effect_interval",
    "equivalence_power",
    "factorial",
    "fail_rate",
    "fewest_pairs",
    "hodges_lehmann",
    "holm",
    "improvement",
    "iqm",
    "iqm_difference",
    "nemenyi",
    "paired_auroc_by_group",
    "paired_difference",
    "pairwise",
    "power_of",
    "profile",
    "ranked",
    "rope_correlated_t",
    "rope_signed_rank",
    "seeds_for_equivalence",
    "seeds_needed",
    "sign_flip",
    "sign_flip_interval",
    "t_interval",
    "tost",
    "two_level",
    "verdict",
    "welch",
    "wilcoxon",
    "wilson",
    "within_correlation",
    "worst_case",
]
