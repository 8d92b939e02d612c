"""One method: the components of an arm, put together."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from models.errors import InvalidRequest
from models.quantizers.quantised import Quantised
from models.registry import build, lookup

MODALITIES = ("current", "video")


@dataclass(frozen=True)
class Sizes:
    """Shapes of the windows a method is built for."""

    current_features: int
    video_features: int
    current_steps: int
    video_steps: int


@dataclass(frozen=True)
class Represented:
    """Everything one forward pass knows about a batch of windows.

    Pairs are in the order (current, video).

    Attributes:
        features: ``(B, T, F)`` inputs.
        semantic: ``(B, T, D)`` semantic vectors.
        private: ``(B, T, P)`` specific vectors.
        quantised: the semantic vectors in terms of the codebook.
    """

    features: tuple[Tensor, Tensor]
    semantic: tuple[Tensor, Tensor]
    private: tuple[Tensor, Tensor]
    quantised: Quantised

    def to_disentangle(self) -> Iterator[tuple[Tensor, Tensor]]:
        """Yield code vectors and specific vectors of each modality."""
        return zip((self.quantised.current, self.quantised.video), self.private, strict=True)


class Method(nn.Module):
    """A complete choice of components: encoders, codebook and every loss of the pre-training.

    Args:
        slots: resolved specification of each slot, as :func:`models.registry.resolve` returns it.
        sizes: shapes of the windows.
        seed: of the initial parameters and of what the components draw while training.

    Raises:
        InvalidRequest: components that do not go together, with the cure.
    """

    def __init__(self, slots: Mapping[str, Mapping[str, Any]], sizes: Sizes, *, seed: int) -> None:
        super().__init__()
        check(slots)
        self.slots = dict(slots)
        self.sizes = sizes
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self._assemble(sizes)

    def _assemble(self, sizes: Sizes) -> None:
        steps = {"current_steps": sizes.current_steps, "video_steps": sizes.video_steps}
        features = {"current": sizes.current_features, "video": sizes.video_features}

        def each(slot: str, context: Mapping[str, Any]) -> nn.ModuleDict:
            return nn.ModuleDict({m: self._build(slot, features=features[m], **context) for m in MODALITIES})

        self.encoders = nn.ModuleDict(
            {
                m: self._build(f"{m}_encoder", features=features[m], steps=steps[f"{m}_steps"])
                for m in MODALITIES
            }
        )
        self.width = self._common_width()
        self.specific = each("specific_encoder", {})
        widths = {"width": self.width, "private_width": int(self.specific["current"].width)}  # type: ignore[arg-type]
        self.decoders = each("decoder", widths)
        self.disentangle = nn.ModuleDict({m: self._build("disentangle", **widths) for m in MODALITIES})
        self.quantizer = self._build("quantizer", width=self.width, generator=_generator(), **steps)
        self.contrast = self._build("contrast", **widths)
        self.alignment = self._build(
            "alignment", width=self.width, contrast=self.contrast, generator=_generator(), **steps
        )
        self.matching = self._build("code_matching")

    def _build(self, slot: str, **context: Any) -> Any:
        return build(slot, self.slots[slot], **context)

    def _common_width(self) -> int:
        current, video = (int(self.encoders[m].width) for m in MODALITIES)  # type: ignore[arg-type]
        if current != video:
            raise InvalidRequest(
                f"current_encoder.width and video_encoder.width must be equal, since the codebook is shared, "
                f"got {current} and {video}; set both to the same value"
            )
        return current

    def represent(self, current: Tensor, video: Tensor) -> Represented:
        """Encode and quantise windows ``(B, T_c, F_c)`` and ``(B, T_v, F_v)``.

        In train mode the codebook is updated.
        """
        features = (current, video)
        semantic = (self.encoders["current"](current), self.encoders["video"](video))
        private = (self.specific["current"](current), self.specific["video"](video))
        return Represented(features, semantic, private, self.quantizer(*semantic))

    def terms(self, r: Represented) -> dict[str, Tensor]:
        """Return the weighted terms of the loss, each a scalar, by name."""
        q = r.quantised
        quantised = (q.current, q.video)
        terms = {"commitment": q.commitment}
        for i, m in enumerate(MODALITIES):
            terms[f"{m}_reconstruction"] = self.decoders[m].loss(quantised[i], r.private[i], r.features[i])  # type: ignore[operator]
            terms[f"{m}_disentangle"] = self.disentangle[m](quantised[i], r.private[i])
        terms["alignment"] = self.alignment(*r.semantic, strong=r.features[1], private=r.private)
        terms["code_matching"] = self.matching(q.current_distances, q.video_distances)
        return terms

    def losses(self, current: Tensor, video: Tensor) -> dict[str, Tensor]:
        """Return the weighted terms of the loss of paired windows; their sum is what is minimised."""
        return self.terms(self.represent(current, video))

    def codes(self, modality: str, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return code vectors ``(B, T, D)`` and indices ``(B, T)`` of windows of one modality.

        In eval mode and without gradient; nothing of the method changes.

        Args:
            modality: ``current`` or ``video``.
            x: ``(B, T, F)``.
        """
        with torch.no_grad(), evaluating(self):
            found: tuple[Tensor, Tensor] = self.quantizer.lookup(self.encoders[modality](x))
        return found

    def head(self) -> Any:
        """Return a new head, not fitted."""
        return self._build("head", codes=int(self.slots["quantizer"]["codes"]))


def check(slots: Mapping[str, Mapping[str, Any]]) -> None:
    """Check that the components of an arm go together.

    Raises:
        InvalidRequest: a component needs what another slot does not provide.
    """
    if slots["specific_encoder"]["name"] != "none":
        return
    for slot, spec in slots.items():
        if "private" in lookup(slot, spec["name"]).needs:
            raise InvalidRequest(
                f"{slot}: {spec['name']} needs private features, but specific_encoder is none; "
                f"set specific_encoder: mlp or choose another {slot}"
            )


@contextmanager
def evaluating(module: nn.Module) -> Iterator[None]:
    """Put a module in eval mode for a while."""
    training = module.training
    module.eval()
    try:
        yield
    finally:
        module.train(training)


def _generator() -> torch.Generator:
    return torch.Generator().manual_seed(int(torch.randint(2**62, ())))
