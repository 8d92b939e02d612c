"""What an estimator of the lead is: it gives every held-out recording a curve over the leads."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar

import numpy as np

from bench.lead.moments import Floats, Ints, Moments


class Estimator(ABC):
    """Scores how well current and video go together, at every lead.

    Built as ``Estimator(moments, seed)``; whatever is trained once is trained then.

    Attributes:
        name: of the estimator.
        summary: what its curve is, in a few words; a template that a report says.
        labels: whether it looks at labels of the video.
        paired: whether its curve depends on which video goes with which current at all. Where it
            does not, mismatched pairs cannot tell evidence from chance.
        held: ``(held-out,)`` which recordings its curves are of.
    """

    name: ClassVar[str]
    summary: ClassVar[str]
    labels: ClassVar[bool] = False
    paired: ClassVar[bool] = True
    held: Ints

    @abstractmethod
    def __init__(self, moments: Moments, seed: int) -> None: ...

    @abstractmethod
    def curves(self, partner: Ints) -> Floats:
        """Return ``(held-out, leads)``: more is better.

        Args:
            partner: ``(held-out,)`` a permutation; the current of held-out recording ``i`` is compared
                with the video of held-out recording ``partner[i]``.
        """


class Tabled(Estimator):
    """An estimator that is trained once: what each current scores with each video is known beforehand.

    Attributes:
        table: ``(held-out, held-out, leads)``, the current's recording first.
    """

    table: Floats

    def curves(self, partner: Ints) -> Floats:
        """Return ``(held-out, leads)``: rows of the table."""
        found: Floats = self.table[np.arange(len(self.table)), partner]
        return found
