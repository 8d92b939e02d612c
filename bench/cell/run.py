"""One cell: pre-train, freeze, fit the head on video codes, read current codes, score.

A pure function of the resolved configuration, the prepared data and the seeds: no globals, no
files written, no engine inside. It yields after every epoch, so that whoever runs it can report,
prune or stop.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from bench.arms import REFERENCES, completed
from bench.cell.building import build_method
from bench.cell.evaluation import evaluate, reference_result, validate
from bench.cell.inputs import make_inputs
from bench.cell.parts import parts_of
from bench.cell.pretraining import calibrated, pretrain
from bench.cell.references import reference
from bench.cell.scores import named, scores
from bench.cell.traces import sample
from bench.data.dataset import Dataset
from bench.data.split import Split
from bench.data.windows import Windows, WindowSpec
from models import plugins, registry


def run(cell: dict[str, Any], data: str, device: str = "auto") -> Iterator[dict[str, Any]]:
    """Run one cell.

    Args:
        cell: content of a :class:`bench.study.Cell`; with ``read: validation``, as a search has it, the
            labels of the test part are not looked at and nothing is scored on it.
        data: folder of the prepared data set.
        device: ``auto`` (CUDA where there is one), ``cpu`` or ``cuda``.

    Yields:
        One dictionary an epoch (``epoch``, the mean of every loss term, ``validation.current.*`` on a
        thinned validation part), and last the result: ``scores``, ``diagnostics``, ``predictions`` and
        ``cost``.

    Raises:
        FloatingPointError: a loss term is no longer finite.
        InvalidRequest: a plugin is not the one that the cell was planned with.
    """
    plugins.check(cell)
    place = torch.device(("cuda" if torch.cuda.is_available() else "cpu") if device == "auto" else device)
    cell = {**cell, "arm": completed(cell["arm"])}
    with torch.random.fork_rng():
        torch.manual_seed(cell["seeds"]["initialisation"])
        dataset = Dataset.open(Path(data))
        spec = registry.read(WindowSpec, cell["windows"], "windows")
        windows = dataset.windows(spec, cell["arm"]["lead"])
        parts = parts_of(cell, dataset, windows, spec)
        inputs = make_inputs(dataset, windows, spec, parts.train, place, cell["arm"])
        generator = torch.Generator().manual_seed(cell["seeds"]["initialisation"])
        if cell["treatment"] in REFERENCES:
            guess = reference(
                cell["treatment"],
                cell["arm"],
                inputs,
                windows,
                dataset.tracks,
                parts,
                cell["budget"],
                generator,
            )
            result = reference_result(cell["treatment"], guess, dataset, windows, parts)
        else:
            codebooks: list[NDArray[np.float16]] = []
            method, noted = yield from pretrain(cell, dataset, spec, inputs, parts, generator, codebooks)
            readout = calibrated(cell, method, inputs, parts)
            if len(parts.validation):
                readout.select_channels(parts.train, parts.validation)
            if cell.get("read") == "validation":
                yield validate(cell, readout, windows, parts, codebooks)
                return
            result = evaluate(cell, readout, dataset, windows, parts)
            result["diagnostics"] |= noted
            if cell["treatment"] == "method" and cell["seeds"]["initialisation"] == 0:
                # One seed is enough for a picture, and keeps the record small.
                fresh = build_method(cell["arm"], dataset, spec, seed=0).to(place)
                result["predictions"] |= sample(readout, fresh, inputs, parts.test)
        result["scores"].update(_ceiling(dataset, spec, cell["arm"]["lead"], windows, parts))
        yield result


def _ceiling(
    dataset: Dataset, spec: WindowSpec, lead: float, windows: Windows, parts: Split
) -> dict[str, float]:
    """Scores of the exact posterior, called positive above the base rate of the training part."""
    base_rate = float(windows.label[parts.train].mean())
    found: dict[str, float] = {}
    for observer, posterior in dataset.ceiling(spec, lead).items():
        prefix = "ceiling" if observer == "window_u" else f"ceiling.{observer}"
        found |= named(prefix, scores(windows.label[parts.test], posterior[parts.test], base_rate))
    return found
