"""A folder as a search leaves it: logs, records with curves and codebooks, a report. Nothing is trained."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from optuna.distributions import (
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
    distribution_to_json,
)

from bench.search.log import Header, Trial, TrialLog
from bench.store import Record, Store

METRIC = "current.balanced_accuracy"
DATA = "simulated furnace (hard, seed 0)"
SPACE = {
    "quantizer.codes": IntDistribution(16, 400, log=True),
    "quantizer.decay": FloatDistribution(0.8, 0.999),
    "optimizer.rate": FloatDistribution(1e-4, 1e-2, log=True),
    "alignment.steps": IntDistribution(1, 5),
    "contrast.temperature": FloatDistribution(0.02, 0.5, log=True),
    "head.name": CategoricalDistribution(("linear", "prototype")),
}
TERMS = ("cross_cpc", "commitment", "reconstruction_current", "reconstruction_video", "club", "cmcm")


def header(arm: str, key: str) -> Header:
    space = {name: distribution_to_json(each) for name, each in SPACE.items()}
    question = "Which contrastive loss lets the current borrow most from the video?"
    return Header(key, "losses", DATA, arm, "tpe", 0, (METRIC,), ("maximize",), space, question)


def fill(
    root: Path, arms: Sequence[str] = ("infonce", "cwcl"), trials: int = 8, epochs: int = 6, seeds: int = 2
) -> list[Header]:
    """Write what searches of these arms would have left."""
    store, headers = Store(root), []
    for place, arm in enumerate(arms):
        told = header(arm, f"{place + 10:x}{'0' * 14}{place}")
        headers.append(told)
        log = TrialLog(root, told.key)
        log.describe(told)
        rng = np.random.default_rng(place)
        for number in range(trials):
            trial = _trial(store, rng, arm, number, epochs, seeds)
            log.propose(Trial(number, trial.params, trial.cells))
            log.end(trial)
    return headers


def _trial(store: Store, rng: np.random.Generator, arm: str, number: int, epochs: int, seeds: int) -> Trial:
    params = {
        "quantizer.codes": int(np.exp(rng.uniform(np.log(16), np.log(400)))),
        "quantizer.decay": float(rng.uniform(0.8, 0.999)),
        "optimizer.rate": float(np.exp(rng.uniform(np.log(1e-4), np.log(1e-2)))),
        "alignment.steps": int(rng.integers(1, 6)),
        "contrast.temperature": float(np.exp(rng.uniform(np.log(0.02), np.log(0.5)))),
        "head.name": str(rng.choice(["linear", "prototype"])),
    }
    top = 0.78 - 0.05 * abs(np.log(params["optimizer.rate"] / 1e-3)) + rng.normal(0, 0.01)
    cells = tuple(f"{arm}-{number}-{seed}" for seed in range(seeds))
    pruned = number % 3 == 2
    run = 1 if pruned else seeds
    steps: dict[str, float] = {}
    finals = []
    for seed in range(run):
        length = 1 + number % 2 if pruned else epochs
        scores = [
            0.5 + (top - 0.5) * (1 - np.exp(-e / 2)) + rng.normal(0, 0.008) for e in range(1, length + 1)
        ]
        curve = [
            {
                "epoch": e + 1,
                **{term: float((i + 1) * np.exp(-e / (2 + i)) + 0.05 * i) for i, term in enumerate(TERMS)},
                f"validation.{METRIC}": float(score),
            }
            for e, score in enumerate(scores)
        ]
        moving = rng.normal(size=(1, 48, 16)) + np.cumsum(rng.normal(0, 0.5, size=(epochs, 48, 16)), axis=0)
        store.put(
            Record(
                cells[seed],
                0,
                "pruned" if pruned else "done",
                scores={} if pruned else {f"validation.{METRIC}": float(scores[-1])},
                curve=curve,
                predictions={} if pruned else {"codebook": moving.astype(np.float16)},
            )
        )
        finals.append(float(scores[-1]))
        if seed == 0:
            steps = {repr(e + 1): float(score) for e, score in enumerate(scores)}
        if not pruned:
            steps[repr((seed + 1) * epochs)] = float(np.mean(finals))
    told = Trial(number, params, cells)
    spent = sum(len(store.get(cell).curve) for cell in cells[:run])  # type: ignore[union-attr]
    if pruned:
        return told.ended("pruned", steps=steps, epochs=spent, message=f"behind after {length} epochs")
    if number == 4:
        return told.ended("failed", failure="error", message="KeyError: 'x'", epochs=spent)
    values = (float(np.mean(finals)),)
    return told.ended("complete", values=values, seeds=tuple(finals), steps=steps, epochs=spent)


def add_report(
    root: Path, png: bytes, headers: Sequence[Header], name: str = "simulated-furnace-hard-seed-0-search"
) -> Path:
    """Write a report of these searches as far as the dashboard reads one; return its page."""
    folder = root / "losses" / name
    (folder / "figures").mkdir(parents=True)
    (folder / "figures" / "differences.png").write_bytes(png)
    (folder / "figures" / "scores.png").write_bytes(png)
    rows = [f"{each.key},{each.arm}/0\n{each.key},{each.arm}/1\n" for each in headers]
    (folder / "trials.csv").write_text("search,trial\n" + "".join(rows))
    (folder / "report.html").write_text("<!doctype html><title>losses</title><h1>All arms</h1>")
    (folder / "report.md").write_text(
        f"# losses\n\nWhich loss?\n\nData: {DATA}\n\n## Findings\n\n- None.\n\n## Results\n\n**losses**\n\n"
        "| Arm | n | BA |\n| --- | ---: | ---: |\n| infonce | 8/8 | 0.761 |\n| cwcl | 8/8 | 0.764 |\n\n"
        "![Difference](figures/differences.svg)\n\n## Tuning\n\nMore.\n"
    )
    return folder / "report.html"
