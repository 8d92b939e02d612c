"""Reading a frozen method: heads are fitted on the codes of the video and read on those of the current."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from bench.cell.inputs import Inputs, as_rows
from bench.cell.scores import scores
from models import registry
from models.errors import InvalidRequest
from models.method import Method, evaluating

#: Heads that every method is read with, whatever its own: what the vectors carry, and what the codes do.
ALWAYS = ("linear", "code_table")
#: Windows that retrieval is measured among.
GALLERY = 500
Rows = NDArray[np.int64]
Codes = tuple[Tensor, Tensor]


class Readout:
    """The codes of a frozen method and the heads that read them.

    Args:
        arm: resolved configuration.
        method: what is read; it is not changed.
        inputs: the scaled windows.
        seed: of heads that start at random.
    """

    def __init__(self, arm: dict[str, Any], method: Method, inputs: Inputs, *, seed: int) -> None:
        self.arm, self.method, self.inputs, self.seed = arm, method, inputs, seed
        self.channels: Tensor | None = None
        self.calibration: Any = None
        self._looked_up: dict[tuple[str, bytes], Codes] = {}

    def on(self, inputs: Inputs) -> Readout:
        """Return the same frozen method, calibration and channels, reading other frames."""
        other = Readout(self.arm, self.method, inputs, seed=self.seed)
        other.channels, other.calibration = self.channels, self.calibration
        return other

    def codes(self, modality: str, rows: Rows, *, renamed: Tensor | None = None) -> Codes:
        """Return code vectors ``(n, steps, width)`` and indices ``(n, steps)`` of windows.

        ``renamed`` ``(codes,)`` gives every code of the first level the name, and so the vector, of another.
        """
        vectors, indices = self._look_up(modality, rows)
        if renamed is not None:
            codebook = self.method.codebooks()[0]
            indices = renamed[indices]
            vectors = torch.cat([codebook[indices].to(vectors), vectors[..., codebook.shape[1] :]], dim=-1)
        if self.calibration is not None:
            vectors = self.calibration.apply(vectors.double(), modality)
        return (vectors if self.channels is None else vectors[..., self.channels]), indices

    def _look_up(self, modality: str, rows: Rows) -> Codes:
        """Return what the method itself says; every head reads the same windows, so it is asked once."""
        name = (modality, rows.tobytes())
        if name not in self._looked_up:
            pairs = [self.method.codes(modality, x) for x in self._chunks(modality, rows)]
            vectors, indices = (torch.cat(part) for part in zip(*pairs, strict=True))
            self._looked_up[name] = (vectors, indices)
        return self._looked_up[name]

    def calibrate(self, current: Rows, video: Rows) -> None:
        """Fit the arm's calibration on the mean vectors of pairs of windows, without labels."""
        if self.arm["calibration"]["name"] != "none":
            means = (
                self.codes(m, rows)[0].double().mean(1)
                for m, rows in (("current", current), ("video", video))
            )
            self.calibration = registry.build("calibration", self.arm["calibration"]).fit(*means)

    def semantic(self, modality: str, rows: Rows) -> Tensor:
        """Return mean semantic vectors ``(n, width)`` of windows, before they are quantised."""
        with torch.no_grad(), evaluating(self.method):
            return torch.cat([self.method.encode(modality, x).mean(1) for x in self._chunks(modality, rows)])

    def fit(self, spec: dict[str, Any], rows: Rows, on: str = "video", reads: str = "current") -> Any:
        """Fit a head on the labelled codes of one modality; it sees those it will read unlabelled.

        The unlabelled ones are for heads that allow for an offset between the modalities.
        """
        generator = torch.Generator().manual_seed(self.seed)
        head = registry.build("head", spec, codes=len(self.method.codebooks()[0]), generator=generator)
        vectors, indices = self.codes(on, rows)
        unlabelled = vectors if reads == on else self.codes(reads, rows)[0]
        return head.fit(vectors, indices, self.labels(rows), unlabelled=unlabelled)

    def labels(self, rows: Rows) -> Tensor:
        """Return the labels ``(n,)`` of windows."""
        return self.inputs.label[as_rows(rows, self.inputs.label.device)]

    def select_channels(self, train: Rows, validation: Rows) -> None:
        """Keep the channels that the codebook optimiser proposes and validation likes best."""
        optimizer = registry.build("codebook_optimizer", self.arm["codebook_optimizer"])
        proposed = optimizer.candidates(self.method.codebooks())
        if len(proposed) < 2:
            return
        if self.calibration is not None:
            raise InvalidRequest(
                "channels are chosen of code vectors as they are, and calibration mixes them; set either "
                "codebook_optimizer or calibration to none"
            )
        found = []
        for channels in proposed:
            self.channels = channels
            found.append(self.score(self.arm["head"], train, validation)["balanced_accuracy"])
        self.channels = proposed[int(np.argmax(found))]

    def score(self, spec: dict[str, Any], train: Rows, rows: Rows) -> dict[str, float]:
        """Return the scores on the current of a head fitted on the video."""
        head = self.fit(spec, train)
        return scores(self.labels(rows).cpu().numpy(), probability(head, self.codes("current", rows)))

    def fused(self, train: Rows, test: Rows) -> dict[str, NDArray[np.float64]]:
        """Return P(positive) of both modalities together, and of the current alone, by the arm's fusion."""
        generator = torch.Generator().manual_seed(self.seed)
        width = self.codes("video", train[:1])[0].shape[-1]
        fusion = registry.build("fusion", self.arm["fusion"], width=width, generator=generator)
        current, video = (self.codes(modality, train)[0] for modality in ("current", "video"))
        fusion.fit(current, video, self.labels(train))
        current, video = (self.codes(modality, test)[0] for modality in ("current", "video"))
        return {
            "fused": _as_numpy(fusion.score(current, video)),
            "fused_current": _as_numpy(fusion.score(current, None)),
        }

    def geometry(self, rows: Rows) -> dict[str, float]:
        """Describe the shared space by at most 500 windows; none of it is a quality score.

        ``retrieval`` is R@1: how often the nearest video of a current is its own. ``effective_rank``
        is exp(entropy) of the normalised singular values of the centred vectors (Roy & Vetterli 2007),
        ``cone`` the length of the mean unit vector: 1 where all point one way.
        """
        rows = rows[:: max(1, len(rows) // GALLERY)][:GALLERY]
        vectors = {m: self.semantic(m, rows).double() for m in ("current", "video")}
        unit = {m: torch.nn.functional.normalize(v, dim=-1) for m, v in vectors.items()}
        nearest = (unit["current"] @ unit["video"].T).argmax(1)
        own = torch.arange(len(rows), device=nearest.device)
        found = {"retrieval": float((nearest == own).double().mean())}
        for m, v in vectors.items():
            share = torch.linalg.svdvals(v - v.mean(0))
            share = share / share.sum().clamp(min=1e-12)
            found[f"effective_rank.{m}"] = float(torch.special.entr(share).sum().exp())
            found[f"cone.{m}"] = float(unit[m].mean(0).norm())
        return found

    def _chunks(self, modality: str, rows: Rows) -> Any:
        return self.inputs.chunks(modality, as_rows(rows, self.inputs.label.device))


def probability(head: Any, codes: Codes) -> NDArray[np.float64]:
    """Return P(positive) of windows."""
    return _as_numpy(head.score(*codes))


def _as_numpy(values: Tensor) -> NDArray[np.float64]:
    found: NDArray[np.float64] = values.detach().double().cpu().numpy()
    return found
