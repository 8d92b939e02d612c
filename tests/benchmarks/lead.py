"""Simulated plants: does each estimator find the lead, say how surely, and stay silent where there is none?

    python tests/benchmarks/lead.py [--plants 50] [--seed 20000] [--rows FILE] [--write FILE]

Three kinds of plants, each plant with a seed of its own: *related* (mean lead drawn from 0 to 600 s; half of
them of the world ``std``, half of ``hard``, in which the set-point brightens the picture), *unrelated* (the
video follows a course of its own; half of them share a set-point all the same) and *set-point* (related, from
120 s on, and the set-point brightens the picture twice as much as in ``hard``). Answers are kept as they
come: the same command goes on where it stopped.
"""

from __future__ import annotations

import argparse
import csv
import math
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from bench.compare import wilson
from bench.data.dataset import Dataset, prepare
from bench.data.furnace import Furnace, FurnaceParameters, World
from bench.data.furnace.regime import Regime
from bench.data.recording import Signal
from bench.identity import key
from bench.lead import ESTIMATORS, RECOMMENDED, estimators
from bench.lead.evidence import answer
from bench.lead.moments import moments
from bench.lead.scan import Scan

RECORDINGS, HOURS = 40, 1.0
LONGEST, APART = 600.0, 120.0
STRONG = 0.2
KINDS, SHARES = ("related", "unrelated", "set-point"), (1.0, 0.8, 0.4)
FIELDS = ("kind", "plant", "world", "truth", "estimator", "finding", "lead", "low", "high", "p", "seconds")
Row = dict[str, str]


@dataclass(frozen=True)
class Plant:
    """A plant that was not looked at before: its kind, its number within the kind, its parameters."""

    kind: str
    number: int
    parameters: FurnaceParameters

    @property
    def truth(self) -> float:
        """Mean lead, s; NaN where the modalities are unrelated."""
        return math.nan if self.parameters.unrelated else Furnace(self.parameters).lead


class Unpictured(Furnace):
    """The same currents and labels without pictures, for an estimator that looks at none."""

    def fingerprint(self) -> str:
        """Return another hash than that of the furnace with its pictures."""
        return key([super().fingerprint(), "unpictured"])

    def pictures(
        self, index: int, world: World, latent: Regime, setpoint: NDArray[np.float64]
    ) -> NDArray[np.uint8]:
        """Return a black picture for every frame."""
        return np.zeros((len(setpoint), 1, 1, 3), dtype=np.uint8)

    def video_features(self, signal: Signal, seconds: float) -> NDArray[np.float32]:
        """Return one zero a step."""
        return np.zeros((len(signal.values) // round(seconds * signal.rate), 1), dtype=np.float32)


def plants(count: int, seed: int) -> Iterator[Plant]:
    """Yield ``count`` related plants, and shares of that of the other kinds, the kinds in turns."""
    for number in range(count):
        for place, kind in enumerate(KINDS):
            if number >= max(1, round(SHARES[place] * count)):
                continue
            drawn = np.random.default_rng([seed, place, number])
            lead = round(float(drawn.uniform(APART if kind == "set-point" else 0.0, LONGEST)), 1)
            strong = STRONG if kind == "set-point" or (kind == "unrelated" and number % 2) else None
            yield Plant(
                kind,
                number,
                FurnaceParameters(
                    world=("std", "hard")[number % 2],
                    seed=seed + 1000 * place + number,
                    recordings=RECORDINGS,
                    hours=HOURS,
                    lead=lead,
                    setpoint_brightness=strong,
                    unrelated=kind == "unrelated",
                ),
            )


def asked(plant: Plant, names: tuple[str, ...], cache: Path) -> Iterator[Row]:
    """Yield the answers of some estimators on one plant."""
    seeing = any(name != RECOMMENDED for name in names)
    furnace = (Furnace if seeing else Unpictured)(plant.parameters)
    dataset = Dataset.open(prepare(furnace, furnace.windows, [], cache))
    seen = moments(dataset, furnace.windows, Scan())
    for kind in estimators(names):
        begun = time.process_time()
        found = answer(kind(seen, plant.number), seen, plant.number)
        values = (found.lead, found.low, found.high, found.p, time.process_time() - begun)
        told = (plant.kind, plant.number, plant.parameters.world, plant.truth, found.name, found.word)
        shown = [str(value) for value in told] + [f"{value:.4g}" for value in values]
        yield dict(zip(FIELDS, shown, strict=True))


def run(every: list[Plant], names: tuple[str, ...], file: Path, cache: Path) -> list[Row]:
    """Ask about every plant what the file does not hold yet; return all its rows.

    The recommended estimator is asked about all of them first, the others only then.
    """
    known: list[Row] = []
    if file.exists():
        with file.open(newline="", encoding="utf-8") as handle:
            known = list(csv.DictReader(handle))
    done = {(row["kind"], row["plant"], row["estimator"]) for row in known}
    first, rest = (tuple(n for n in names if (n == RECOMMENDED) is flag) for flag in (True, False))
    jobs = [(plant, chosen) for chosen in (first, rest) if chosen for plant in every]
    for place, (plant, chosen) in enumerate(jobs, 1):
        missing = tuple(n for n in chosen if (plant.kind, str(plant.number), n) not in done)
        if not missing:
            continue
        rows = list(asked(plant, missing, cache))
        fresh = not file.exists()
        with file.open("a", newline="", encoding="utf-8") as handle:
            writer = csv.DictWriter(handle, FIELDS, lineterminator="\n")
            if fresh:
                writer.writeheader()
            writer.writerows(rows)
        known += rows
        told = "; ".join(f"{row['estimator']} {row['finding']} {row['lead']} s" for row in rows)
        print(f"{place}/{len(jobs)} {plant.kind}, {plant.truth:.0f} s: {told}", flush=True)
    return known


def share(hits: list[bool]) -> str:
    """Return a share with its Wilson interval."""
    low, high = wilson(sum(hits), len(hits))
    return f"{np.mean(hits):.2f} [{low:.2f}, {high:.2f}]"


def line(name: str, rows: list[Row]) -> list[str]:
    """Return what one estimator made of all plants."""
    own = {kind: [r for r in rows if r["estimator"] == name and r["kind"] == kind] for kind in KINDS}
    related, shared = own["related"], own["set-point"]
    errors = [abs(float(row["lead"]) - float(row["truth"])) for row in related]
    covered = [float(row["low"]) <= float(row["truth"]) <= float(row["high"]) for row in related]
    widths = [float(row["high"]) - float(row["low"]) for row in related]
    fooled = [row["finding"] == "found" and abs(float(row["lead"])) < APART / 2 for row in shared]
    wrong = [abs(float(row["lead"]) - float(row["truth"])) for row in shared]
    return [
        name,
        "/".join(str(len(own[kind])) for kind in KINDS),
        "yes" if estimators((name,))[0].labels else "no",
        share([row["finding"] == "found" for row in related]),
        f"{np.median(errors):.1f}",
        f"{np.quantile(errors, 0.9):.0f}",
        share(covered),
        f"{np.median(widths):.0f}",
        share([row["finding"] == "no evidence" for row in own["unrelated"]]),
        share(fooled),
        f"{np.median(wrong):.1f}",
        f"{np.mean([float(row['seconds']) for row in rows if row['estimator'] == name]):.1f}",
    ]


HEAD = (
    "estimator",
    "plants",
    "labels",
    "found",
    "median error, s",
    "90 %, s",
    "95 % CI covers",
    "its width, s",
    "silent",
    "fooled into 0",
    "median error there, s",
    "CPU s",
)


def page(rows: list[Row], command: str) -> str:
    """Return the page as text."""
    names = [name for name in ESTIMATORS if any(row["estimator"] == name for row in rows)]
    body = [HEAD, ["---"] * len(HEAD), *(line(name, rows) for name in names)]
    table = "\n".join("| " + " | ".join(cells) + " |" for cells in body)
    own = [row for row in rows if row["estimator"] == names[0]]
    related, unrelated, shared = (sum(row["kind"] == kind for row in own) for kind in KINDS)
    return f"""# Simulated plants: which estimator finds the lead

Simulated furnaces, each of {RECORDINGS} batches of {HOURS:g} h.

- *Related*: {related} plants whose mean lead is drawn from 0 to {LONGEST:g} s, half of them of the world
  `std`, half of `hard`.
- *Unrelated*: {unrelated} plants whose video follows a course of its own; in half of them a set-point
  brightens the picture all the same.
- *Set-point*: {shared} plants with a lead of {APART:g} s or more, in which the set-point brightens the
  picture twice as much as in `hard`.

Leads from -120 to 720 s every 20 s were tried. No estimator was changed after it had seen one of them.

{table}

*Plants*: how many of each kind the estimator was asked about. *Found*: evidence, and a peak that is located.
*Median error*, *90 %*, *covers* and *width* are of the peak on all related plants, whether the estimator
believed it or not. *Silent*: "no evidence" on unrelated plants; an estimator that finds the shared set-point
there has found a relation, but none of the condition. *Fooled into 0*: a lead found within
{APART / 2:g} s of 0 on the set-point plants. Shares with Wilson 95 % intervals.

Made by `{command}`; every answer is in [lead.csv](lead.csv).
"""


def main() -> None:
    """Run, print, and write if asked."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--plants", type=int, default=50)
    parser.add_argument("--seed", type=int, default=20_000)
    parser.add_argument("--estimators", default=",".join(ESTIMATORS))
    parser.add_argument("--rows", type=Path, default=Path("lead.csv"), help="where answers are kept")
    parser.add_argument("--cache", type=Path, help="where prepared plants are kept; removed if not given")
    parser.add_argument("--write", type=Path, help="write the page to this file")
    asked_for = parser.parse_args()
    torch.set_num_threads(1)
    names = tuple(asked_for.estimators.split(","))
    command = f"python tests/benchmarks/lead.py --plants {asked_for.plants} --seed {asked_for.seed}"
    every = list(plants(asked_for.plants, asked_for.seed))
    with tempfile.TemporaryDirectory(prefix="lead-") as scratch:
        rows = run(every, names, asked_for.rows, asked_for.cache or Path(scratch))
    made = page(rows, command)
    print(made)
    if asked_for.write:
        asked_for.write.write_text(made, encoding="utf-8")


if __name__ == "__main__":
    main()
