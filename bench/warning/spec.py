"""What counts as an episode and as a warning of it."""

from __future__ import annotations

from dataclasses import dataclass

from models.registry import param

#: Rates of false alarms that an operating curve has a point for, in multiples of the one asked for.
MULTIPLES = (0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 4.0)

#: Place of the one asked for among them.
MAIN = MULTIPLES.index(1.0)


@dataclass(frozen=True)
class WarningSpec:
    """How alarms are judged; the same for every arm of a study, whatever its lead."""

    horizon: float = param(
        300.0, low=1.0, help="an alarm at most this long before an episode is a warning of it, s"
    )
    merge: float = param(60.0, low=0.0, help="stretches of the label nearer to each other are one episode, s")
    false_alarms: float = param(
        1.0, low=0.01, high=1000.0, help="most false alarms an hour of the rule that is chosen on validation"
    )

    @property
    def budgets(self) -> tuple[float, ...]:
        """False alarms an hour that rules are chosen for, ascending."""
        return tuple(self.false_alarms * multiple for multiple in MULTIPLES)
