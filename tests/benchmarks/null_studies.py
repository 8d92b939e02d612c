"""Simulated studies: how often the report's statistics are wrong when the truth is known.

    python tests/benchmarks/null_studies.py [--studies 2000] [--seed 0] [--write FILE]

Every study has a baseline and five changes on paired seeds. A seed moves all arms together, each cell has
noise of its own, and some cells collapse to chance. Scores go through the functions that the report uses;
the table says what they claim and what came out.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from bench.compare import (
    Paired,
    Sequential,
    detectable_gap,
    differences,
    hodges_lehmann,
    holm,
    paired_difference,
    power_of,
    sign_flip_interval,
    verdict,
)

CHANGES, SEEDS, ROPE = 5, 8, 0.01
LEVEL, SEED_SD, CELL_SD = 0.75, 0.03, 0.012  # balanced accuracy; what seeds share; what is a cell's own
CHANCE, CHANCE_SD = 0.5, 0.01
SD = CELL_SD * math.sqrt(2)  # of a paired difference without collapses
LOOKS = (4, 6, 8, 12)
UNBOUND = (-math.inf, math.inf)
COLUMNS = ("what", "noise", "claim", "measured", "± (95 %)", "holds")

Scores = NDArray[np.float64]


@dataclass(frozen=True)
class Noise:
    """Noise of a study: the share of cells of the baseline and of the changes that collapse to chance.

    ``even``: what does not collapse of the changes is better by so much that their mean is the baseline's.
    """

    name: str
    baseline: float = 0.0
    changes: float = 0.0
    even: bool = False

    def scores(self, generator: np.random.Generator, seeds: int, gaps: Sequence[float] = ()) -> Scores:
        """Return one study, shape (1 + changes, seeds), the first changes being better by ``gaps``."""
        shape = (1 + CHANGES, seeds)
        shift = np.zeros((1 + CHANGES, 1))
        shift[1 : 1 + len(gaps), 0] = gaps
        if self.even:
            shift[1:] += (self.changes - self.baseline) * (LEVEL - CHANCE) / (1 - self.changes)
        worked = LEVEL + shift + generator.normal(0, SEED_SD, seeds) + generator.normal(0, CELL_SD, shape)
        share = np.array([self.baseline] + [self.changes] * CHANGES)[:, None]
        collapsed = generator.random(shape) < share
        return np.where(collapsed, generator.normal(CHANCE, CHANCE_SD, shape), worked)

    @property
    def difference(self) -> float:
        """The true mean difference of a change that is the baseline but for its collapses."""
        return 0.0 if self.even else (self.baseline - self.changes) * (LEVEL - CHANCE)

    @property
    def sd(self) -> float:
        """The true standard deviation of a paired difference of two arms that collapse equally often."""
        share = self.changes
        cell = CELL_SD**2 * (1 - share) + CHANCE_SD**2 * share
        jump = share * (1 - share) * (LEVEL - CHANCE) ** 2 + share * (1 - share) * SEED_SD**2
        return math.sqrt(2 * (cell + jump))


NORMAL = Noise("normal")
RARE = Noise("3 % collapse", 0.03, 0.03)
OFTEN = Noise("20 % collapse", 0.2, 0.2)
UNEQUAL = Noise("3 % of the baseline, 10 % of the changes collapse", 0.03, 0.10)
SKEWED = Noise("7 % of the changes collapse, the rest gain what that costs", 0.0, 0.07, even=True)
UNSEEN = "few pairs do not see what is rare"
WIDE = "errs on the safe side"


@dataclass(frozen=True)
class Row:
    """A claim and what was measured: ``low`` and ``high`` bound what holds.

    An ``exact`` claim is met by the letter, so that half of all simulations would lie beyond it: three
    standard errors are granted. ``why``: the reason for which a claim is known not to hold.
    """

    what: str
    noise: str
    claim: str
    values: NDArray[np.float64]
    low: float
    high: float
    exact: bool = False
    why: str = ""

    @property
    def measured(self) -> float:
        """Mean over studies."""
        return float(self.values.mean())

    @property
    def error(self) -> float:
        """Half-width of the 95 % interval over studies."""
        return 1.96 * float(self.values.std(ddof=1)) / math.sqrt(self.values.size)

    @property
    def holds(self) -> bool:
        """Whether the measured number lies within the bounds."""
        slack = 3 / 1.96 * self.error if self.exact else 0.0
        return self.low - slack <= self.measured <= self.high + slack

    def cells(self) -> tuple[str, ...]:
        """Return the cells of the printed row."""
        known = math.isfinite(self.low) or math.isfinite(self.high)
        missed = f"**no**: {self.why}" if self.why else "**no**"
        verdict_ = ("yes" if self.holds else missed) if known else "for information"
        return self.what, self.noise, self.claim, f"{self.measured:.3f}", f"{self.error:.3f}", verdict_


def judged(scores: Scores, generator: np.random.Generator) -> tuple[list[Paired], list[str]]:
    """Return the comparisons of one study and their words, as the report makes them."""
    found = [paired_difference(arm, scores[0], generator) for arm in scores[1:]]
    adjusted = holm([each.sign_flip.p for each in found])
    words = [verdict(f, float(p), ROPE, CHANGES).word for f, p in zip(found, adjusted, strict=True)]
    return found, list(words)


def null_rows(noise: Noise, studies: int, generator: np.random.Generator) -> Iterator[Row]:
    """Yield the rates of false words and the coverage of the intervals for one kind of noise."""
    truth = noise.difference
    false, covered, effect, centre, flipped, equivalent = ([] for _ in range(6))
    for _ in range(studies):
        scores = noise.scores(generator, SEEDS)
        found, words = judged(scores, generator)
        false.append(any(word in ("better", "worse") for word in words))
        equivalent.append(np.mean([word == "equivalent" for word in words]))
        covered.append(np.mean([low <= truth <= high for low, high in (f.interval() for f in found)]))
        low, high = found[0].effect_interval()
        effect.append(low <= 0 <= high)
        _, low, high = hodges_lehmann(differences(scores[1], scores[0]))
        centre.append(low <= 0 <= high)
        gaps = [differences(arm, scores[0]) for arm in scores[1:]]
        ends = [sign_flip_interval(gap, generator) for gap in gaps]
        flipped.append(np.mean([low <= truth <= high for low, high in ends]))
    null, skewed = noise.baseline == noise.changes, noise.baseline != noise.changes
    if truth == 0:
        name = "some arm of five falsely *better* or *worse*"
        yield Row(name, noise.name, "≤ .05", as_array(false), 0, 0.05, why=UNSEEN if skewed else "")
    normal = noise is NORMAL
    name, why = "95 % t interval of the mean covers", "" if normal else UNSEEN if skewed else WIDE
    yield Row(name, noise.name, ".95 ± .01", as_array(covered), 0.94, 0.96, why=why)
    name = "95 % sign-flip interval covers"
    yield Row(name, noise.name, ".95 ± .01", as_array(flipped), 0.94, 0.96, why=UNSEEN if skewed else "")
    if null:
        claim, bounds = (".95", (0.95, 0.95)) if normal else (".95 if normal", UNBOUND)
        yield Row("95 % interval of d_z covers", noise.name, claim, as_array(effect), *bounds, exact=True)
        name = "95 % signed-rank interval of the centre covers"
        yield Row(name, noise.name, "≥ .95", as_array(centre), 0.95, 1, exact=True)
    elif truth:
        what = f"an arm falsely *equivalent* (true difference {truth:+.4f}, rope ±{ROPE:g})"
        yield Row(what, noise.name, "≤ .05 if normal", as_array(equivalent), *UNBOUND)


def edge_row(studies: int, generator: np.random.Generator) -> Row:
    """Return how often an arm at the edge of the rope is called equivalent."""
    shares = []
    for _ in range(studies):
        _, words = judged(NORMAL.scores(generator, SEEDS, [ROPE] * CHANGES), generator)
        shares.append(np.mean([word == "equivalent" for word in words]))
    what = f"an arm falsely *equivalent* (true difference {ROPE:+g} = rope)"
    return Row(what, NORMAL.name, "≤ .05", as_array(shares), 0, 0.05, exact=True)


def power_rows(seeds: int, noise: Noise, studies: int, generator: np.random.Generator) -> Iterator[Row]:
    """Yield how often one arm with the gap of the plan is found, for the rule and for the t test's plan."""
    plans: list[tuple[float, Literal["verdict", "t"], str]] = [(noise.sd, "verdict", "the rule's plan")]
    if noise is NORMAL:
        plans.append((SD, "t", "a t test's plan"))
    else:
        plans.append((SD, "verdict", "a plan that forgets the collapses"))
    for sd, test, title in plans:
        gap = detectable_gap(sd, seeds, family=CHANGES, test=test)
        words = [judged(noise.scores(generator, seeds, [gap]), generator)[1][0] for _ in range(studies)]
        planned = power_of(sd, gap, seeds, family=CHANGES)
        what = f"*better* found, {seeds} seeds, gap {gap:.4f} of {title}"
        found = as_array([word == "better" for word in words])
        why = "collapses cost power" if noise is not NORMAL else ""
        yield Row(what, noise.name, f"{planned:.3f} ± .03", found, planned - 0.03, planned + 0.03, why=why)


def sequential_rows(noise: Noise, studies: int, generator: np.random.Generator) -> Iterator[Row]:
    """Yield the level of the sequential rule, for one arm and family-wise over five."""
    plan = Sequential(LOOKS)
    one, five = [], []
    for _ in range(studies):
        scores = noise.scores(generator, LOOKS[-1])
        found = [differences(arm, scores[0]) for arm in scores[1:]]
        one.append(np.mean([plan.decide(each).reject for each in found]))
        five.append(any(look.reject for look in plan.family(found)))
    where = "looks at " + ", ".join(map(str, LOOKS))
    name = f"sequential rule, one arm, {where}: false find"
    yield Row(name, noise.name, "≤ .05", as_array(one), 0, 0.05, exact=True)
    name = f"sequential rule, Holm over five arms, {where}: some false find"
    yield Row(name, noise.name, "≤ .05", as_array(five), 0, 0.05)


def cost_table(studies: int, generator: np.random.Generator) -> list[tuple[str, ...]]:
    """Return expected seeds and power of sequential plans against a fixed design of as many seeds."""
    lines: list[tuple[str, ...]] = []
    for looks in (LOOKS, (8, 10, 12, 16)):
        for family in (1, CHANGES):
            plan = Sequential(looks)
            for effect in (0.0, 0.5, 1.0, 1.5, 2.0, 3.0):
                found = plan.expected(effect, generator, studies, family)
                fixed = power_of(1.0, effect, looks[-1], family=family)
                cells = (f"{effect:.1f}", f"{found.seeds:.1f}", f"{found.power:.3f}", f"{fixed:.3f}")
                earliest = str(plan.earliest(family))
                lines.append((", ".join(map(str, looks)), str(family), earliest, *cells))
    return lines


def as_array(values: Sequence[object]) -> NDArray[np.float64]:
    """Return one number a study."""
    return np.asarray(values, dtype=np.float64)


def run(studies: int, seed: int) -> list[Row]:
    """Return all rows; each has a stream of its own, so that one can be changed without the others."""
    parts: list[Callable[[np.random.Generator], Iterator[Row] | list[Row]]] = [
        *(lambda g, n=noise: null_rows(n, studies, g) for noise in (NORMAL, RARE, OFTEN, UNEQUAL, SKEWED)),
        lambda g: [edge_row(studies, g)],
        *(lambda g, s=seeds: power_rows(s, NORMAL, studies, g) for seeds in (8, 10, 12)),
        lambda g: power_rows(SEEDS, RARE, studies, g),
        *(lambda g, n=noise: sequential_rows(n, studies, g) for noise in (NORMAL, RARE, OFTEN)),
    ]
    streams = np.random.default_rng(seed).spawn(len(parts))
    return [row for part, stream in zip(parts, streams, strict=True) for row in part(stream)]


def table(head: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    """Return a Markdown table."""
    rows: list[Sequence[str]] = [head, ["---"] * len(head), *lines]
    return "\n".join("| " + " | ".join(row) + " |" for row in rows)


def page(studies: int, seed: int, command: str) -> str:
    """Return the page as text; it depends on nothing but its arguments."""
    scored = [row.cells() for row in run(studies, seed)]
    heads = ("looks", "family", "can stop from", "d_z", "seeds on average", "power", "fixed")
    return f"""# Simulated studies: what the statistics claim and what came out

{studies} studies a line; a baseline and {CHANGES} changes on {SEEDS} paired seeds unless said otherwise.
A seed moves all arms (sd {SEED_SD:g}), a cell has noise of its own (sd {CELL_SD:g}), some cells collapse
from about {LEVEL:g} to {CHANCE:g}. Scores went through `paired_difference`, `holm` and `verdict` of
`bench.compare`, which make the report. *Measured* is a share of studies, or of arms in all studies; ± is the
error of the simulation. A claim that is met to the letter lies on the wrong side of half of all simulations:
where that is so (the interval of d_z, the signed ranks, the edge of the rope, one sequential arm), *yes*
means within three standard errors.

{table(COLUMNS, scored)}

**What to read in it.** False *better* and *worse* stay below .05 where differences are symmetric under the
null, normal or not, because that is all the sign-flip test needs. They do not where an arm gains a little on
most seeds and fails on some: eight pairs often hold no failure, and then the gain is all there is to see. No
test can know better; eight seeds without a failure still allow a fail rate of a third (Wilson, .95). A t
interval covers what it says if differences are normal. Where cells collapse equally often in both arms it
covers more: one collapse makes it wide; the interval that belongs to the sign-flip test, which stands beside
it in `report.csv`, covers what it says there too. Where the arms collapse at different rates both cover far
less: in most studies of so few seeds few collapses are seen, and an interval cannot contain what it has not
seen. The fail rate and its interval stand beside the mean for that reason. A plan finds what it promises if
its spread counts the collapses; one made from seeds that all worked promises too much. A gap planned with the
t test is found less often than its .80, because the sign-flip p is coarse: after Holm over five arms, eight
seeds must all agree. The plan therefore follows the rule itself.

## The sequential rule: seeds it takes and power, normal differences

*Fixed* is the power of a design that looks once, at the last number of seeds. The level of a family is that
of Holm's first step, the hardest.

{table(heads, cost_table(studies, np.random.default_rng([seed, 1])))}

Made by `{command}`.
"""


def main() -> None:
    """Run, print, and write if asked."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--studies", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--write", type=Path, help="also write the page to this file")
    asked = parser.parse_args()
    command = f"python tests/benchmarks/null_studies.py --studies {asked.studies} --seed {asked.seed}"
    if asked.write:
        command += f" --write {asked.write}"
    made = page(asked.studies, asked.seed, command)
    print(made)
    if asked.write:
        asked.write.write_text(made, encoding="utf-8")


if __name__ == "__main__":
    main()
