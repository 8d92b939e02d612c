"""One cell: pre-train, freeze, fit the head on video codes, read current codes, score.

A pure function of the resolved configuration, the prepared data and the seeds: no globals, no
files written, no engine inside. It yields after every epoch, so that whoever runs it can report,
prune or stop.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch

from bench.arms import REFERENCES, completed
from bench.cell.album import album_of
from bench.cell.disturbed import by_method, by_reference, disturbed_scores
from bench.cell.evaluation import evaluate, reference_result, validate
from bench.cell.fingerprints import batch_probe
from bench.cell.inputs import make_inputs
from bench.cell.parts import parts_of
from bench.cell.peek import Peek
from bench.cell.pretraining import calibrated, pretrain
from bench.cell.references import reference
from bench.cell.scores import named, scores
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
            read = reference(
                cell["treatment"],
                cell["arm"],
                inputs,
                windows,
                dataset.tracks,
                parts,
                cell["budget"],
                generator,
            )
            result = reference_result(cell, read(inputs), dataset, windows, parts)
            test = by_reference(cell, read, parts)
        else:
            album = album_of(cell, inputs, parts)
            if cell["arm"].get("peek") == "every_epoch" and cell.get("read") != "validation":
                album = Peek(album, cell, inputs, parts)
            method, noted = yield from pretrain(cell, dataset, spec, inputs, parts, generator, album)
            readout = calibrated(cell, method, inputs, parts)
            if len(parts.validation):
                readout.select_channels(parts.train, parts.validation)
            if cell.get("read") == "validation":
                yield {**validate(cell, readout, windows, parts), "predictions": album.arrays()}
                return
            result = evaluate(cell, readout, dataset, windows, parts)
            result["diagnostics"] |= noted | batch_probe(readout, dataset, windows, parts)
            result["predictions"] |= album.arrays()
            test = by_method(cell, readout, parts)
        result["scores"].update(disturbed_scores(cell, dataset, spec, inputs, windows, parts, test))
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
