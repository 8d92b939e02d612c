"""One cell: pre-train, freeze, fit the head on video codes, read current codes, score.

A pure function of the resolved configuration, the prepared data and the seeds: no globals, no
files written, no engine inside. It yields after every epoch, so that whoever runs it can report,
prune or stop.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from bench.arms import REFERENCES, completed
from bench.data.dataset import Dataset
from bench.data.split import Split, SplitSpec, split
from bench.data.windows import Windows, WindowSpec
from bench.inputs import Inputs, as_rows, batches, batches_in, make_inputs
from bench.readout import ALWAYS, Codes, Readout, probability
from bench.references import reference
from bench.scores import code_diagnostics, scores
from bench.traces import code_counts, sample
from models import plugins, registry
from models.catalog import RECIPE
from models.errors import InvalidRequest
from models.method import MODALITIES, Method, Sizes
from models.training import Pretrainer

# Windows that the score after each epoch is taken on; it serves curves and pruning, not tables.
GLIMPSE = 2000
# Names the random stream of the shuffled control.
SHUFFLE = 0x73687566
# Names the one that draws which recordings are learnt from.
FEWER = 0x66657772


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
        parts = _parts(cell, dataset, windows, spec)
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
            result = _reference_result(cell["treatment"], guess, dataset, windows, parts)
        else:
            codebooks: list[NDArray[np.float16]] = []
            method, noted = yield from _pretrain(cell, dataset, spec, inputs, parts, generator, codebooks)
            readout = _calibrated(cell, method, inputs, parts)
            if len(parts.validation):
                readout.select_channels(parts.train, parts.validation)
            if cell.get("read") == "validation":
                yield _validate(cell, readout, windows, parts, codebooks)
                return
            result = _evaluate(cell, readout, dataset, windows, parts)
            result["diagnostics"] |= noted
            if cell["treatment"] == "method" and cell["seeds"]["initialisation"] == 0:
                # One seed is enough for a picture, and keeps the record small.
                fresh = build_method(cell["arm"], dataset, spec, seed=0).to(place)
                result["predictions"] |= sample(readout, fresh, inputs, parts.test)
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
    count = cell["arm"].get("recordings", "all")
    train = (
        parts.train if count == "all" else fewer(parts.train, dataset, windows, count, cell["seeds"]["split"])
    )
    return Split(train, *counted)


def fewer(
    rows: NDArray[np.int64], dataset: Dataset, windows: Windows, count: int, seed: int
) -> NDArray[np.int64]:
    """Return the windows of ``count`` recordings' groups; a smaller count keeps some of a larger one.

    Raises:
        InvalidRequest: there are not as many, or those drawn hold one class only.
    """
    group = np.array([track.group for track in dataset.tracks])[windows.recording[rows]]
    names = sorted(set(group))
    if count > len(names):
        raise InvalidRequest(
            f"recordings must not exceed those of the training part ({len(names)}), got {count}; lower it or "
            "split.test and split.validation"
        )
    order = np.random.default_rng([FEWER, seed]).permutation(len(names))
    kept = rows[np.isin(group, [names[i] for i in order[:count]])]
    if len(np.unique(windows.label[kept])) < 2:
        raise InvalidRequest(
            f"the recordings learnt from must hold both classes, and the {count} drawn hold one; raise "
            "recordings"
        )
    return kept


def build_method(arm: dict[str, Any], dataset: Dataset, spec: WindowSpec, *, seed: int) -> Method:
    """Return the untrained method of an arm for the windows of a data set.

    Raises:
        InvalidRequest: components that do not go together, or do not fit the windows.
    """
    kinds = {m: arm.get(f"{m}_input", "features") for m in MODALITIES}
    features = {m: dataset.frames(m, kind).shape[1] + (arm.get("leak") == m) for m, kind in kinds.items()}
    sizes = Sizes(
        features["current"],
        features["video"],
        spec.current_steps,
        spec.video_steps,
        current_shape=dataset.shape("current", kinds["current"]),
        video_shape=dataset.shape("video", kinds["video"]),
        metadata=0 if dataset.metadata is None else dataset.metadata.shape[1],
        step_seconds=(spec.current_step, spec.video_step),
    )
    return Method({slot: arm[slot] for slot in RECIPE}, sizes, seed=seed)


def _calibrated(cell: dict[str, Any], method: Method, inputs: Inputs, parts: Split) -> Readout:
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


def _pretrain(
    cell: dict[str, Any],
    dataset: Dataset,
    spec: WindowSpec,
    inputs: Inputs,
    parts: Split,
    generator: torch.Generator,
    codebooks: list[NDArray[np.float16]],
) -> Generator[dict[str, Any], None, tuple[Method, dict[str, float]]]:
    """Train on pairs; yield once an epoch, keep its codebook, return the method and what its parts noted.

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
        codebooks.append(method.codebooks()[0].detach().cpu().numpy().astype(np.float16))
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
    """Validation scores of the headline head on a thinned set; none without a validation part."""
    if not len(parts.validation):
        return {}
    train, seen = (rows[:: max(1, len(rows) // GLIMPSE)] for rows in (parts.train, parts.validation))
    readout = _calibrated(cell, method, inputs, parts)
    found = readout.geometry(seen)
    if len(np.unique(inputs.label.cpu().numpy()[seen])) == 2:
        found |= _named("validation.current", readout.score(cell["arm"]["head"], train, seen))
    return found


def _validate(
    cell: dict[str, Any],
    readout: Readout,
    windows: Windows,
    parts: Split,
    codebooks: list[NDArray[np.float16]],
) -> dict[str, Any]:
    """Fit the head on video codes of the training part and read the validation part, nothing else."""
    if not len(parts.validation):
        raise InvalidRequest(
            "a search needs a validation part, and split.validation is 0; use --set split.validation=0.3"
        )
    head = readout.fit(cell["arm"]["head"], parts.train)
    label = windows.label[parts.validation]
    codes = {name: readout.codes(name, parts.validation) for name in MODALITIES}
    found: dict[str, float] = {}
    for name, pair in codes.items():
        own = head if name == "current" else _for_video(readout, cell["arm"]["head"], head, parts)
        found |= _named(f"validation.{name}", scores(label, probability(own, pair)))
    return {
        "scores": found,
        "diagnostics": _diagnostics(readout, codes["current"], codes["video"], parts.validation),
        "predictions": {"codebook": np.stack(codebooks)} if codebooks else {},
        "cost": {"parameters": sum(p.numel() for p in readout.method.parameters())},
    }


def _evaluate(
    cell: dict[str, Any], readout: Readout, dataset: Dataset, windows: Windows, parts: Split
) -> dict[str, Any]:
    """Fit the heads on video codes of the training part and read the other parts once."""
    renamed = None
    if cell["treatment"] == "random_codebook":
        stream = torch.Generator().manual_seed(cell["seeds"]["initialisation"])
        renamed = torch.randperm(len(readout.method.codebooks()[0]), generator=stream).to(
            readout.inputs.label.device
        )
    current = readout.codes("current", parts.test, renamed=renamed)
    video = readout.codes("video", parts.test)
    label, own = windows.label[parts.test], cell["arm"]["head"]
    found: dict[str, float] = {}
    head = readout.fit(own, parts.train)
    guess = probability(head, current)
    found |= _named("current", scores(label, guess))
    found |= _named("video", scores(label, probability(_for_video(readout, own, head, parts), video)))
    if len(parts.validation):
        seen = probability(head, readout.codes("current", parts.validation))
        found |= _named("validation.current", scores(windows.label[parts.validation], seen))
    for name in ALWAYS:
        if name != own["name"]:
            other = readout.fit(registry.resolve("head", name), parts.train)
            found |= _named(f"{name}.current", scores(label, probability(other, current)))
            found |= _named(f"{name}.video", scores(label, probability(other, video)))
    # What the current's own codes hold, were its labels known: labels handed over the pair.
    probe = readout.fit(registry.resolve("head", "linear"), parts.train, on="current")
    found |= _named("probe.current", scores(label, probability(probe, current)))
    if readout.method.has("fusion"):
        for name, fused in readout.fused(parts.train, parts.test).items():
            found |= _named(name, scores(label, fused))
    return {
        "scores": found,
        "diagnostics": _diagnostics(readout, current, video, parts.test),
        "predictions": _predictions(guess, dataset, windows, parts) | _counts(readout, current, video),
        "cost": {"parameters": sum(p.numel() for p in readout.method.parameters())},
    }


def _for_video(readout: Readout, spec: dict[str, Any], head: Any, parts: Split) -> Any:
    """Return the head that reads the video: the same one, unless it allows for an offset of the current."""
    centred = "centre" in spec and spec["centre"] != "none"
    return readout.fit(spec, parts.train, reads="video") if centred else head


def _counts(readout: Readout, current: Codes, video: Codes) -> dict[str, NDArray[Any]]:
    of_current, of_video = (codes[1].cpu().numpy() for codes in (current, video))
    return {**code_counts(of_current, of_video, len(readout.method.codebooks()[0]))}


def _diagnostics(readout: Readout, current: Codes, video: Codes, rows: NDArray[np.int64]) -> dict[str, float]:
    of_current, of_video = (codes[1].cpu().numpy() for codes in (current, video))
    codes = len(readout.method.codebooks()[0])
    found = code_diagnostics(of_current, of_video, codes) | readout.geometry(rows)
    if readout.channels is not None:
        found["channels"] = float(len(readout.channels))
    return found


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
