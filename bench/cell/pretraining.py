"""Pre-training on pairs, epoch by epoch."""

from __future__ import annotations

import copy
import math
from collections.abc import Generator
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from bench.cell.album import Album
from bench.cell.building import build_method
from bench.cell.inputs import Inputs, as_rows, batches, batches_in
from bench.cell.readout import GALLERY, Readout
from bench.cell.scores import code_diagnostics, named
from bench.data.dataset import Dataset
from bench.data.split import Split
from bench.data.windows import WindowSpec
from models import registry
from models.errors import InvalidRequest
from models.method import MODALITIES, Method
from models.training import Pretrainer

# Windows that the score after each epoch is taken on; it serves curves and pruning, not tables.
GLIMPSE = 2000
# Names the random stream of the shuffled control.
SHUFFLE = 0x73687566


def calibrated(cell: dict[str, Any], method: Method, inputs: Inputs, parts: Split) -> Readout:
    """Return a readout calibrated on the pairs of the pre-training; a method without one has no pairs."""
    readout = Readout(cell["arm"], method, inputs, seed=cell["seeds"]["initialisation"])
    if cell["treatment"] != "no_pretraining":
        paired = parts.train
        if _is_shuffled(cell):
            paired = parts.train[shuffled(len(parts.train), cell["seeds"])]
        readout.calibrate(paired, parts.train)
    return readout


def _is_shuffled(cell: dict[str, Any]) -> bool:
    return bool(cell["treatment"] == "shuffled_pairs" or cell["arm"].get("pairs") == "shuffled")


def pretrain(
    cell: dict[str, Any],
    dataset: Dataset,
    spec: WindowSpec,
    inputs: Inputs,
    parts: Split,
    generator: torch.Generator,
    album: Album,
) -> Generator[dict[str, Any], None, tuple[Method, dict[str, float]]]:
    """Train on pairs; yield once an epoch, let ``album`` look, return the method and what its parts noted.

    Labels are handed to components that need them, and to no other.
    """
    arm, budget, device = cell["arm"], cell["budget"], inputs.label.device
    method = build_method(arm, dataset, spec, seed=cell["seeds"]["initialisation"]).to(device)
    noted: dict[str, float] = {}
    if cell["treatment"] == "no_pretraining":
        return method, noted
    pretrainer = Pretrainer(method, steps=_steps(cell))
    checkpoint = registry.build("checkpoint", arm["checkpoint"])
    kept, best = None, None
    transductive = cell["protocol"] == "transductive"
    seen = np.concatenate([parts.train, parts.test]) if transductive else parts.train
    labels = inputs.label if "label" in method.needs else None
    if labels is not None and transductive:
        raise InvalidRequest(
            "an arm that looks at labels in pre-training must be inductive, or it would see those of the "
            "test part; use protocol: inductive"
        )
    rows = as_rows(seen, device)
    partner = torch.arange(len(inputs.label), device=device)
    if _is_shuffled(cell):
        partner[rows] = rows[as_rows(shuffled(len(seen), cell["seeds"]), device)]
    album.look(0, method)
    for epoch in range(budget["epochs"]):
        totals: dict[str, Tensor] = {}
        steps = 0
        for batch in batches(rows, budget["windows"], arm["optimizer"]["batch"], generator):
            losses = pretrainer.step(
                inputs.window("current", partner[batch]),
                inputs.window("video", batch),
                label=None if labels is None else labels[batch],
                metadata=None if inputs.metadata is None else inputs.metadata[batch],
            )
            for name, term in losses.items():
                totals[name] = totals[name] + term if name in totals else term.clone()
            steps += 1
        means = {name: float(total) / steps for name, total in totals.items()}
        for name, value in means.items():
            if not math.isfinite(value):
                raise FloatingPointError(
                    f"{name} is {value} after epoch {epoch + 1}; lower the learning rate"
                )
        noted = {name: means[name] for name in method.logs()}
        album.look(epoch + 1, method)
        seen_now = _glimpse(cell, method, inputs, parts)
        score = seen_now.get("validation.current.balanced_accuracy")
        if checkpoint.keeps(epoch + 1, score, best):
            kept, best = copy.deepcopy(method.state_dict()), score
        yield {"epoch": epoch + 1, **means, **seen_now}
    if kept is not None:
        method.load_state_dict(kept)
    return method, noted


def shuffled(count: int, seeds: dict[str, int]) -> NDArray[np.int64]:
    """Return a permutation of ``count`` rows, from a random stream that nothing else draws from.

    The tag comes first because seeds are padded with zeros: ``[s, 0]`` is the stream of ``s``, which
    draws the split.
    """
    stream = np.random.default_rng([SHUFFLE, seeds["initialisation"], seeds["permutation"]])
    return stream.permutation(count)


def _steps(cell: dict[str, Any]) -> int:
    budget = cell["budget"]
    return int(budget["epochs"] * batches_in(budget["windows"], cell["arm"]["optimizer"]["batch"]))


def _glimpse(cell: dict[str, Any], method: Method, inputs: Inputs, parts: Split) -> dict[str, float]:
    """Validation scores of the headline head on a thinned set, and how the codes are used on it.

    Nothing without a validation part.
    """
    if not len(parts.validation):
        return {}
    train, seen = (rows[:: max(1, len(rows) // GLIMPSE)] for rows in (parts.train, parts.validation))
    readout = calibrated(cell, method, inputs, parts)
    found = readout.geometry(seen) | _usage(readout, seen)
    if len(np.unique(inputs.label.cpu().numpy()[seen])) == 2:
        found |= named("validation.current", readout.score(cell["arm"]["head"], train, seen))
    return found


def _usage(readout: Readout, rows: NDArray[np.int64]) -> dict[str, float]:
    """Describe how the modalities use the codebook, by at most 500 windows; nothing of a single code."""
    codes = len(readout.method.codebooks()[0])
    if codes < 2:
        return {}
    rows = rows[:: max(1, len(rows) // GALLERY)][:GALLERY]
    current, video = (readout.codes(m, rows)[1].cpu().numpy() for m in MODALITIES)
    return code_diagnostics(current, video, codes)
