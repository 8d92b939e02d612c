"""One cell: pre-train, freeze, fit the head on video codes, read current codes, score.

A pure function of the resolved configuration, the prepared data and the seeds: no globals, no
files written, no engine inside. It yields after every epoch, so that whoever runs it can report,
prune or stop.
"""

from __future__ import annotations

import math
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

import models.catalog  # noqa: F401  (registers every component)
from bench.arms import REFERENCES
from bench.data.dataset import Dataset
from bench.data.split import Split, SplitSpec, split
from bench.data.windows import Windows, WindowSpec
from bench.inputs import Inputs, as_rows, batches, batches_in, make_inputs
from bench.references import reference
from bench.scores import code_diagnostics, scores
from models import registry
from models.errors import InvalidRequest
from models.method import Method, Sizes
from models.training import Pretrainer

# Windows that the score after each epoch is taken on; it serves curves and pruning, not tables.
GLIMPSE = 2000
# Names the random stream of the shuffled control.
SHUFFLE = 0x73687566


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
    """
    place = torch.device(("cuda" if torch.cuda.is_available() else "cpu") if device == "auto" else device)
    with torch.random.fork_rng():
        torch.manual_seed(cell["seeds"]["initialisation"])
        dataset = Dataset.open(Path(data))
        spec = registry.read(WindowSpec, cell["windows"], "windows")
        windows = dataset.windows(spec, cell["arm"]["lead"])
        parts = _parts(cell, dataset, windows, spec)
        inputs = make_inputs(dataset, windows, spec, parts.train, place)
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
            result = _reference_result(cell["treatment"], guess, dataset, windows, parts)
        else:
            codebooks: list[NDArray[np.float16]] = []
            method = yield from _pretrain(cell, dataset, spec, inputs, parts, generator, codebooks)
            if cell.get("read") == "validation":
                yield _validate(cell, method, inputs, windows, parts, codebooks)
                return
            result = _evaluate(cell, method, dataset, inputs, windows, parts)
        result["scores"].update(_ceiling(dataset, spec, cell["arm"]["lead"], windows, parts))
        yield result


def _parts(cell: dict[str, Any], dataset: Dataset, windows: Windows, spec: WindowSpec) -> Split:
    declared = {key: value for key, value in cell["split"].items() if key != "fold"}
    parts = split(
        registry.read(SplitSpec, declared, "split"),
        dataset.tracks,
        windows,
        seed=cell["seeds"]["split"],
        fold=cell["split"]["fold"],
        validation=cell["seeds"].get("validation"),
    )
    counted = [rows[windows.scored[rows]] for rows in (parts.validation, parts.test)]
    return Split(parts.train, *counted)


def build_method(arm: dict[str, Any], dataset: Dataset, spec: WindowSpec, *, seed: int) -> Method:
    """Return the untrained method of an arm for the windows of a data set.

    Raises:
        InvalidRequest: components that do not go together, or do not fit the windows.
    """
    sizes = Sizes(dataset.current.shape[1], dataset.video.shape[1], spec.current_steps, spec.video_steps)
    return Method({slot: spec for slot, spec in arm.items() if slot != "lead"}, sizes, seed=seed)


def _pretrain(
    cell: dict[str, Any],
    dataset: Dataset,
    spec: WindowSpec,
    inputs: Inputs,
    parts: Split,
    generator: torch.Generator,
    codebooks: list[NDArray[np.float16]],
) -> Generator[dict[str, Any], None, Method]:
    """Train on pairs without labels; yield once an epoch, keep its codebook, return the method."""
    arm, budget, device = cell["arm"], cell["budget"], inputs.label.device
    method = build_method(arm, dataset, spec, seed=cell["seeds"]["initialisation"]).to(device)
    if cell["treatment"] == "no_pretraining":
        return method
    pretrainer = Pretrainer(method, steps=_steps(cell))
    seen = np.concatenate([parts.train, parts.test]) if cell["protocol"] == "transductive" else parts.train
    rows = as_rows(seen, device)
    partner = torch.arange(len(inputs.label), device=device)
    if cell["treatment"] == "shuffled_pairs":
        partner[rows] = rows[as_rows(shuffled(len(seen), cell["seeds"]), device)]
    for epoch in range(budget["epochs"]):
        totals: dict[str, Tensor] = {}
        steps = 0
        for batch in batches(rows, budget["windows"], arm["optimizer"]["batch"], generator):
            losses = pretrainer.step(inputs.window("current", partner[batch]), inputs.window("video", batch))
            for name, term in losses.items():
                totals[name] = totals[name] + term if name in totals else term.clone()
            steps += 1
        means = {name: float(total) / steps for name, total in totals.items()}
        for name, value in means.items():
            if not math.isfinite(value):
                raise FloatingPointError(
                    f"{name} is {value} after epoch {epoch + 1}; lower the learning rate"
                )
        codebooks.append(_codebook(method).detach().cpu().numpy().astype(np.float16))
        yield {"epoch": epoch + 1, **means, **_glimpse(arm, method, inputs, parts)}
    return method


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


def _glimpse(arm: dict[str, Any], method: Method, inputs: Inputs, parts: Split) -> dict[str, float]:
    """Validation scores of the headline head on a thinned set; none without a validation part."""
    if not len(parts.validation):
        return {}
    train, seen = (rows[:: max(1, len(rows) // GLIMPSE)] for rows in (parts.train, parts.validation))
    head = _fit(arm["head"], method, inputs, train)
    label = inputs.label.cpu().numpy()[seen]
    if len(np.unique(label)) < 2:
        return {}
    return _named("validation.current", scores(label, _score(head, *_codes(method, "current", inputs, seen))))


def _codes(method: Method, modality: str, inputs: Inputs, rows: NDArray[np.int64]) -> tuple[Tensor, Tensor]:
    """Code vectors ``(n, steps, width)`` and indices ``(n, steps)`` of windows."""
    pairs = [method.codes(modality, x) for x in inputs.chunks(modality, as_rows(rows, inputs.label.device))]
    return torch.cat([vectors for vectors, _ in pairs]), torch.cat([indices for _, indices in pairs])


def _fit(spec: dict[str, Any], method: Method, inputs: Inputs, rows: NDArray[np.int64]) -> Any:
    """Fit a head on the *video* codes of labelled windows."""
    vectors, indices = _codes(method, "video", inputs, rows)
    head = registry.build("head", spec, codes=len(_codebook(method)))
    return head.fit(vectors, indices, inputs.label[as_rows(rows, inputs.label.device)])


def _score(head: Any, vectors: Tensor, indices: Tensor) -> NDArray[np.float64]:
    probability: NDArray[np.float64] = head.score(vectors, indices).double().cpu().numpy()
    return probability


def _validate(
    cell: dict[str, Any],
    method: Method,
    inputs: Inputs,
    windows: Windows,
    parts: Split,
    codebooks: list[NDArray[np.float16]],
) -> dict[str, Any]:
    """Fit the head on video codes of the training part and read the validation part, nothing else."""
    if not len(parts.validation):
        raise InvalidRequest(
            "a search needs a validation part, and split.validation is 0; use --set split.validation=0.3"
        )
    head = _fit(cell["arm"]["head"], method, inputs, parts.train)
    label = windows.label[parts.validation]
    codes = {name: _codes(method, name, inputs, parts.validation) for name in ("current", "video")}
    found: dict[str, float] = {}
    for name, pair in codes.items():
        found |= _named(f"validation.{name}", scores(label, _score(head, *pair)))
    current, video = (codes[name][1].cpu().numpy() for name in ("current", "video"))
    return {
        "scores": found,
        "diagnostics": code_diagnostics(current, video, len(_codebook(method))),
        "predictions": {"codebook": np.stack(codebooks)} if codebooks else {},
        "cost": {"parameters": sum(p.numel() for p in method.parameters())},
    }


def _evaluate(
    cell: dict[str, Any], method: Method, dataset: Dataset, inputs: Inputs, windows: Windows, parts: Split
) -> dict[str, Any]:
    """Fit the heads on video codes of the training part and read the other parts once."""
    current, video = (_codes(method, modality, inputs, parts.test) for modality in ("current", "video"))
    codes = _codebook(method)
    if cell["treatment"] == "random_codebook":
        current = _renamed(current, codes, cell["seeds"]["initialisation"])
    label = windows.label
    found: dict[str, float] = {}
    shown = np.empty(0)
    others = [
        registry.resolve("head", name)
        for name in registry.components("head")
        if name != cell["arm"]["head"]["name"]
    ]
    for spec in (cell["arm"]["head"], *others):
        head = _fit(spec, method, inputs, parts.train)
        prefix = "" if spec is cell["arm"]["head"] else f"{spec['name']}."
        guess = _score(head, *current)
        found |= _named(f"{prefix}current", scores(label[parts.test], guess))
        found |= _named(f"{prefix}video", scores(label[parts.test], _score(head, *video)))
        if not prefix:
            shown = guess
            if len(parts.validation):
                seen = _score(head, *_codes(method, "current", inputs, parts.validation))
                found |= _named("validation.current", scores(label[parts.validation], seen))
    return {
        "scores": found,
        "diagnostics": code_diagnostics(current[1].cpu().numpy(), video[1].cpu().numpy(), len(codes)),
        "predictions": _predictions(shown, dataset, windows, parts),
        "cost": {"parameters": sum(p.numel() for p in method.parameters())},
    }


def _codebook(method: Method) -> Tensor:
    codebook: Tensor = method.quantizer.codebook
    return codebook


def _renamed(current: tuple[Tensor, Tensor], codebook: Tensor, seed: int) -> tuple[Tensor, Tensor]:
    """Give every code of the current the name, and so the vector, of another."""
    order = torch.randperm(len(codebook), generator=torch.Generator().manual_seed(seed)).to(codebook.device)
    indices = order[current[1]]
    return codebook[indices].to(current[0].dtype), indices


def _reference_result(
    name: str, guess: NDArray[Any], dataset: Dataset, windows: Windows, parts: Split
) -> dict[str, Any]:
    modality = "video" if name.endswith("video") else "current"
    return {
        "scores": _named(modality, scores(windows.label[parts.test], guess)),
        "diagnostics": {},
        "predictions": _predictions(guess, dataset, windows, parts),
        "cost": {},
    }


def _ceiling(
    dataset: Dataset, spec: WindowSpec, lead: float, windows: Windows, parts: Split
) -> dict[str, float]:
    """Scores of the exact posterior, called positive above the base rate of the training part."""
    base_rate = float(windows.label[parts.train].mean())
    found: dict[str, float] = {}
    for observer, posterior in dataset.ceiling(spec, lead).items():
        prefix = "ceiling" if observer == "window_u" else f"ceiling.{observer}"
        found |= _named(prefix, scores(windows.label[parts.test], posterior[parts.test], base_rate))
    return found


def _predictions(
    guess: NDArray[Any], dataset: Dataset, windows: Windows, parts: Split
) -> dict[str, NDArray[Any]]:
    names = sorted({track.group for track in dataset.tracks})
    group = np.array([names.index(track.group) for track in dataset.tracks])
    return {
        "score": guess.astype(np.float32),
        "label": windows.label[parts.test].astype(np.int8),
        "group": group[windows.recording[parts.test]].astype(np.int32),
        "recording": windows.recording[parts.test].astype(np.int32),
        "end": windows.end[parts.test].astype(np.float64),
    }


def _named(prefix: str, values: dict[str, float]) -> dict[str, float]:
    return {f"{prefix}.{name}": value for name, value in values.items()}
