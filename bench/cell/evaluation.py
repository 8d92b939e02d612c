"""Heads are fitted on video codes, current codes are read, and what was seen is kept."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from bench.cell.readout import ALWAYS, Codes, Readout, probability
from bench.cell.scores import code_diagnostics, named, scores
from bench.cell.timeline import moments
from bench.cell.traces import code_counts
from bench.cell.warnings import Early, early_warnings
from bench.data.dataset import Dataset
from bench.data.split import Split
from bench.data.windows import Windows
from models import registry
from models.errors import InvalidRequest
from models.method import MODALITIES


def validate(cell: dict[str, Any], readout: Readout, windows: Windows, parts: Split) -> dict[str, Any]:
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
        found |= named(f"validation.{name}", scores(label, probability(own, pair)))
    return {
        "scores": found,
        "diagnostics": _diagnostics(readout, codes["current"], codes["video"], parts.validation),
        "predictions": {},
        "cost": {"parameters": sum(p.numel() for p in readout.method.parameters())},
    }


def evaluate(
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
    for_video = _for_video(readout, own, head, parts)
    guess = {"current": probability(head, current), "video": probability(for_video, video)}
    found |= named("current", scores(label, guess["current"]))
    found |= named("video", scores(label, guess["video"]))
    early = Early()
    if len(parts.validation):
        seen = {
            "current": probability(head, readout.codes("current", parts.validation, renamed=renamed)),
            "video": probability(for_video, readout.codes("video", parts.validation)),
        }
        found |= named("validation.current", scores(windows.label[parts.validation], seen["current"]))
        both = {name: (seen[name], guess[name]) for name in MODALITIES}
        early = early_warnings(cell, both, dataset, windows, parts)
    for name in ALWAYS:
        if name != own["name"]:
            other = readout.fit(registry.resolve("head", name), parts.train)
            found |= named(f"{name}.current", scores(label, probability(other, current)))
            found |= named(f"{name}.video", scores(label, probability(other, video)))
    # What the current's own codes hold, were its labels known: labels handed over the pair.
    probe = readout.fit(registry.resolve("head", "linear"), parts.train, on="current")
    found |= named("probe.current", scores(label, probability(probe, current)))
    if readout.method.has("fusion"):
        for name, fused in readout.fused(parts.train, parts.test).items():
            found |= named(name, scores(label, fused))
    return {
        "scores": found | early.scores,
        "diagnostics": _diagnostics(readout, current, video, parts.test) | early.diagnostics,
        "predictions": {
            **_predictions(guess["current"], dataset, windows, parts),
            "video_score": guess["video"].astype(np.float32),
            **_counts(readout, current, video),
            **early.predictions,
            **moments(cell, guess, dataset, windows, parts.test, early.predictions),
        },
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


def reference_result(
    cell: dict[str, Any], guess: NDArray[Any], dataset: Dataset, windows: Windows, parts: Split
) -> dict[str, Any]:
    """Return the result of a reference, given its guesses of the validation and then of the test part."""
    modality = "video" if cell["treatment"].endswith("video") else "current"
    seen, guess = np.split(guess, [len(parts.validation)])
    early = early_warnings(cell, {modality: (seen, guess)}, dataset, windows, parts)
    return {
        "scores": named(modality, scores(windows.label[parts.test], guess)) | early.scores,
        "diagnostics": early.diagnostics,
        "predictions": _predictions(guess, dataset, windows, parts)
        | early.predictions
        | moments(cell, {modality: guess}, dataset, windows, parts.test, early.predictions),
        "cost": {},
    }


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
