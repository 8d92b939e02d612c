"""Cross-modal score scan: how well the current tells the label of the video, lead by lead, held out."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from bench.lead.estimator import Estimator
from bench.lead.moments import Floats, Ints, Moments
from bench.report.lang import template
from models.errors import InvalidRequest

FOLDS = 5
#: Ridge penalty, as a share of the variance of each feature.
PENALTY = 0.03
MOST_GIGABYTES = 4.0


class ScoreScan(Estimator):
    """Ridge regression of the video's label on the current at each lead, judged on held-out recordings.

    Everything is taken about the mean of its recording, which removes what is constant in a recording
    (gain, camera); a set-point that both modalities share is no trap as long as it does not move the
    *label*. The curve is the held-out covariance of prediction and label over the pooled deviations of
    both: its mean over recordings is their correlation within recordings.

    Sums of products say all that the regression needs, so that it is trained again, on mismatched
    pairs, for every draw of the permutation null. That matters: folds lend each other their noise, and
    a null that keeps the trained predictors is too narrow by a factor of about the square root of two.

    Raises:
        InvalidRequest: the label is the same throughout, or the sums would not fit in memory.
    """

    name: ClassVar[str] = "score_scan"
    summary: ClassVar[str] = template("held-out correlation of the label with what the current predicts")
    labels: ClassVar[bool] = True

    def __init__(self, moments: Moments, seed: int) -> None:
        if not moments.labelled:
            raise InvalidRequest(
                "score_scan learns labels of the video, and these recordings hold one class; choose "
                "--estimators without it"
            )
        _require_room(moments)
        self.held = np.arange(len(moments))
        groups = np.random.default_rng(seed).permutation(moments.groups.max() + 1)
        self.fold = groups[moments.groups] % FOLDS
        inputs = [strip.by_lead - strip.by_lead.mean(axis=-1, keepdims=True) for strip in moments.strips]
        longest = max(len(strip.label) for strip in moments.strips)
        target = np.zeros((longest, len(moments)))
        for column, strip in enumerate(moments.strips):
            target[: len(strip.label), column] = strip.label - strip.label.mean()
        # Of two recordings of unequal length, the longer one's end is not used.
        self._cross = np.stack([np.moveaxis(x @ target[: x.shape[-1]], -1, 0) for x in inputs])
        own = np.stack([x @ np.moveaxis(x, -1, -2) for x in inputs])
        self._power = np.square(target).sum()
        self._held_out = np.stack([own[self.fold == fold].sum(axis=0) for fold in range(FOLDS)])
        self._solve = np.stack([_inverse(self._held_out.sum(axis=0) - each) for each in self._held_out])

    def weights(self, partner: Ints) -> Floats:
        """Return ``(folds, leads, features)``: of each fold, learnt without its recordings."""
        cross = self._cross[self.held, partner]
        without = [cross[self.fold != fold].sum(axis=0) for fold in range(FOLDS)]
        found: Floats = np.einsum("flde,fle->fld", self._solve, np.stack(without))
        return found

    def curves(self, partner: Ints) -> Floats:
        """Return ``(recordings, leads)``."""
        weights = self.weights(partner)
        covariance = np.einsum("ild,ild->il", self._cross[self.held, partner], weights[self.fold])
        power = np.einsum("fld,flde,fle->l", weights, self._held_out, weights, optimize=True)
        scale = np.sqrt(power * self._power)
        found: Floats = len(covariance) * covariance / np.where(scale > 0, scale, 1.0)
        return found


def _require_room(moments: Moments) -> None:
    """Refuse what would not fit in memory: a product for every pair of recordings, lead and feature."""
    features = moments.strips[0].current.shape[1]
    pairs = len(moments) * max(len(moments), features)
    size = 8e-9 * pairs * len(moments.leads) * features
    if size > MOST_GIGABYTES:
        raise InvalidRequest(
            f"score_scan must fit in {MOST_GIGABYTES:g} GB, and {len(moments)} recordings with {features} "
            f"features at {len(moments.leads)} leads take {size:.1f} GB; raise --step or use fewer recordings"
        )


def _inverse(total: Floats) -> Floats:
    """Return ``(leads, features, features)``: what turns a cross product into weights."""
    scale: Floats = np.einsum("ldd->ld", total)
    penalty = PENALTY * np.where(scale > 0, scale, 1.0)
    return np.asarray(np.linalg.inv(total + penalty[..., None] * np.eye(total.shape[-1])), dtype=np.float64)
