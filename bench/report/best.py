"""The best arm, and those that the test does not tell apart from it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from bench.compare import holm, paired_difference
from bench.report.reader import Reader
from bench.report.results import ALPHA, ArmResult


def best_arms(reader: Reader, learned: Sequence[ArmResult], seed: int) -> frozenset[str]:
    """Return the names of the arms that may be the best one.

    Ahead is the arm with the largest paired difference from the baseline (whose own is 0); every other
    is compared with it on the units they share (sign-flip p, Holm over these comparisons: multiple
    comparisons with the best, Hsu 1984). An arm stays unless the test tells it apart, so few units leave
    many. The best is picked from the same scores, which makes the comparison a guide and no claim. Arms
    with fewer than two units in common with it are left out. Empty with fewer than two arms.
    """
    able = [arm for arm in learned if (arm.paired.n if arm.paired else len(arm.scores)) >= 2]
    if len(able) < 2:
        return frozenset()
    ahead = max(able, key=lambda arm: arm.paired.mean if arm.paired else 0.0).info.name
    generator = np.random.default_rng([seed, 2])
    scores = reader.scores
    others = [arm.info.name for arm in able if arm.info.name != ahead]
    pairs = [paired_difference(scores[name], scores[ahead], generator) for name in others]
    adjusted = holm([pair.sign_flip.p for pair in pairs])
    kept = zip(others, pairs, adjusted, strict=True)
    return frozenset([ahead, *(name for name, pair, p in kept if pair.n >= 2 and not p <= ALPHA)])
