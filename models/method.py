"""One method: the components of an arm, put together."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from zlib import crc32

import torch
from torch import Tensor, nn

from models.beside import Beside
from models.errors import InvalidRequest
from models.quantizers.quantised import Quantised
from models.registry import NEEDS, Component, build, lookup

MODALITIES = ("current", "video")


@dataclass(frozen=True)
class Sizes:
    """Shapes of the windows a method is built for.

    The shapes are those of one step of raw input, ``(samples, channels)`` of a current and ``(height,
    width, channels)`` of pictures; None where a step is a row of features. ``metadata`` is the number
    of process values of a window; steps are in seconds.
    """

    current_features: int
    video_features: int
    current_steps: int
    video_steps: int
    current_shape: tuple[int, ...] | None = None
    video_shape: tuple[int, ...] | None = None
    metadata: int = 0
    step_seconds: tuple[float, float] = (1.0, 1.0)


@dataclass(frozen=True)
class Represented:
    """Everything one forward pass knows about a batch of windows.

    Pairs are in the order (current, video).

    Attributes:
        features: ``(B, T, F)`` inputs.
        semantic: ``(B, T, D)`` semantic vectors.
        private: ``(B, T, P)`` specific vectors.
        quantised: the semantic vectors in terms of the codebook.
        beside: what else the losses may look at.
    """

    features: tuple[Tensor, Tensor]
    semantic: tuple[Tensor, Tensor]
    private: tuple[Tensor, Tensor]
    quantised: Quantised
    beside: Beside

    def shared(self) -> tuple[Tensor, Tensor]:
        """Return the code vectors of both modalities on the steps of their features.

        Where a bridge has left other tokens than the steps, every step has their mean.
        """
        current, video = (
            vectors
            if vectors.shape[1] == x.shape[1]
            else vectors.mean(1, keepdim=True).expand(-1, x.shape[1], -1)
            for vectors, x in zip((self.quantised.current, self.quantised.video), self.features, strict=True)
        )
        return current, video

    def to_disentangle(self) -> Iterator[tuple[Tensor, Tensor]]:
        """Yield code vectors and specific vectors of each modality."""
        return zip(self.shared(), self.private, strict=True)


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
        self.seed = seed
        #: Share of the pre-training that is done; whoever trains keeps it up to date.
        self.progress = 0.0
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self._assemble(sizes)

    def _assemble(self, sizes: Sizes) -> None:
        features = {"current": sizes.current_features, "video": sizes.video_features}
        length = {"current": sizes.current_steps, "video": sizes.video_steps}
        shape = {"current": sizes.current_shape, "video": sizes.video_shape}

        def each(slot: str, context: Mapping[str, Any]) -> nn.ModuleDict:
            return nn.ModuleDict({m: self._build(slot, features=features[m], **context) for m in MODALITIES})

        self.encoders = nn.ModuleDict(
            {
                m: self._build(
                    f"{m}_encoder",
                    features=features[m],
                    steps=length[m],
                    shape=shape[m],
                    generator=self._own(f"{m}_encoder"),
                )
                for m in MODALITIES
            }
        )
        self.width = self._common_width()
        given = {"current_steps": sizes.current_steps, "video_steps": sizes.video_steps}
        self.bridge = self._apart("bridge", width=self.width, **given)
        steps = {name: int(getattr(self.bridge, name)) for name in given}
        if self.has("hierarchy") and steps != given:
            raise InvalidRequest(
                f"a hierarchy needs a bridge that keeps the steps of a window, got "
                f"{self.slots['bridge']['name']}, which leaves other tokens; leave one of them out"
            )
        self.specific = each("specific_encoder", {})
        widths = {"width": self.width, "private_width": int(self.specific["current"].width)}  # type: ignore[arg-type]
        self.decoders = each("decoder", widths)
        self.disentangle = nn.ModuleDict({m: self._build("disentangle", **widths) for m in MODALITIES})
        self.quantizer = self._build("quantizer", width=self.width, generator=_generator(), **steps)
        self.contrast = self._build("contrast", metadata_width=sizes.metadata, **widths)
        self.alignment = self._build(
            "alignment",
            width=self.width,
            contrast=self.contrast,
            generator=_generator(),
            step_seconds=tuple(
                seconds * count / left
                for seconds, count, left in zip(
                    sizes.step_seconds, given.values(), steps.values(), strict=True
                )
            ),
            **steps,
        )
        self.matching = self._build("code_matching", **steps)
        self.guidance = self._apart("guidance", width=self.width)
        self.hierarchy = self._apart("hierarchy", **widths, **given)

    def _own(self, slot: str) -> torch.Generator:
        """Return a generator that follows from the seed and the slot alone."""
        return torch.Generator().manual_seed(crc32(f"{slot} {self.seed}".encode()))

    def _apart(self, slot: str, **context: Any) -> Any:
        """Build from a random stream of the slot's own, so that the other slots start as without it."""
        own = self._own(slot)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(own.initial_seed())
            return self._build(slot, generator=own, **context)

    def _build(self, slot: str, **context: Any) -> Any:
        return build(slot, self.slots[slot], **context)

    def _common_width(self) -> int:
        for m in MODALITIES:
            if not isinstance(getattr(self.encoders[m], "width", None), int):
                name = self.slots[f"{m}_encoder"]["name"]
                raise InvalidRequest(
                    f"an encoder must say how wide its vectors are, and {m}_encoder: {name} does not; set an "
                    "attribute `width`, a whole number"
                )
        current, video = (int(self.encoders[m].width) for m in MODALITIES)  # type: ignore[arg-type]
        if current != video:
            raise InvalidRequest(
                f"current_encoder.width and video_encoder.width must be equal, since the codebook is shared, "
                f"got {current} and {video}; set both to the same value"
            )
        return current

    @property
    def needs(self) -> frozenset[str]:
        """What the components ask for, in words of :data:`models.registry.NEEDS`."""
        return frozenset().union(*(found.needs for found in acting(self.slots).values()))

    def has(self, slot: str) -> bool:
        """Return whether a slot is filled."""
        return bool(self.slots[slot]["name"] != "none")

    def represent(
        self, current: Tensor, video: Tensor, *, label: Tensor | None = None, metadata: Tensor | None = None
    ) -> Represented:
        """Encode and quantise windows ``(B, T_c, F_c)`` and ``(B, T_v, F_v)``.

        In train mode the codebook is updated. Labels ``(B,)`` and metadata ``(B, M)`` are handed to the
        losses.
        """
        features = (current, video)
        semantic = (self.encode("current", current), self.encode("video", video))
        private = (self.specific["current"](current), self.specific["video"](video))
        beside = Beside(video, private, label, metadata, self.progress)
        return Represented(features, semantic, private, self.quantizer(*semantic), beside)

    def encode(self, modality: str, x: Tensor) -> Tensor:
        """Return semantic vectors ``(B, T', D)`` of windows of one modality."""
        z: Tensor = self.encoders[modality](x)
        return self.bridge(z, modality, self.quantizer.codebook) if self.has("bridge") else z

    def terms(self, r: Represented) -> dict[str, Tensor]:
        """Return the weighted terms of the loss, each a scalar, by name."""
        q = r.quantised
        quantised = r.shared()
        terms = {"commitment": q.commitment}
        for i, m in enumerate(MODALITIES):
            terms[f"{m}_reconstruction"] = self.decoders[m].loss(quantised[i], r.private[i], r.features[i])  # type: ignore[operator]
            terms[f"{m}_disentangle"] = self.disentangle[m](quantised[i], r.private[i])
        terms["alignment"] = self.alignment(*r.semantic, beside=r.beside)
        terms["code_matching"] = self.matching(q)
        if self.has("bridge"):
            terms["bridge"] = self.bridge.loss(q, r.semantic, r.beside)
        if self.has("guidance"):
            terms["guidance"] = self.guidance(q, r.beside)
        if self.has("hierarchy"):
            terms["hierarchy"] = self.hierarchy(r.private, r.beside)
        return terms

    def logs(self) -> dict[str, Tensor]:
        """Return what the components noted in the last step: detached scalars by ``slot.name``."""
        return {
            f"{slot}.{name}": value
            for slot in ("contrast", "alignment", "matching", "bridge", "guidance", "hierarchy", "quantizer")
            for name, value in getattr(getattr(self, slot), "logs", {}).items()
        }

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
            vectors, indices = self.quantizer.lookup(self.encode(modality, x))
            if self.has("hierarchy"):
                second, _ = self.hierarchy.lookup(self.specific[modality](x), modality)
                vectors = torch.cat([vectors, second], dim=-1)
        return vectors, indices

    def head(self) -> Any:
        """Return a new head, not fitted."""
        return self._build("head", codes=len(self.quantizer.codebook), generator=self._own("head"))

    def codebooks(self) -> list[Tensor]:
        """Return the code vectors ``(K, D)`` of every level."""
        levels = [self.quantizer, self.hierarchy] if self.has("hierarchy") else [self.quantizer]
        return [level.codebook for level in levels]


def check(slots: Mapping[str, Mapping[str, Any]]) -> None:
    """Check that the components of an arm go together.

    Raises:
        InvalidRequest: a component needs what another one lacks.
    """
    chosen = acting(slots)
    for slot, found in chosen.items():
        for need in sorted(found.needs):
            for other, component in chosen.items():
                if need in component.lacks:
                    raise InvalidRequest(
                        f"{slot}: {found.name} needs {NEEDS[need]}, which {other}: {component.name} does not "
                        f"give; choose another {slot} or another {other}"
                    )


def acting(slots: Mapping[str, Mapping[str, Any]]) -> dict[str, Component]:
    """Return the components of an arm by slot, without those that nothing calls."""
    chosen = {slot: lookup(slot, spec["name"]) for slot, spec in slots.items()}
    if "alignment" in chosen and chosen["alignment"].name == "none":
        chosen.pop("contrast", None)
    return chosen


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
