"""An arm before it trains: all its components are built, and those of others tried on a few windows."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from models import registry
from models.errors import InvalidRequest
from models.method import MODALITIES, Method
from models.plugins import foreign

_WINDOWS = 8


def rehearse(arm: dict[str, Any], method: Method) -> None:
    """Refuse an arm whose cells would fail after their pre-training.

    Args:
        arm: resolved configuration.
        method: built from it; it is not to be used afterwards.

    Raises:
        InvalidRequest: what reads the method cannot be built, or a component that does not come with the
            project cannot take a step or read a window.
    """
    generator, codebooks = torch.Generator(), method.codebooks()
    head = registry.build("head", arm["head"], codes=len(codebooks[0]), generator=generator)
    width = sum(codebook.shape[1] for codebook in codebooks)
    contexts: dict[str, dict[str, Any]] = {"fusion": {"width": width, "generator": generator}}
    for slot in ("checkpoint", "calibration", "codebook_optimizer", "fusion"):
        if arm[slot]["name"] != "none":
            registry.build(slot, arm[slot], **contexts.get(slot, {}))
    others = ", ".join(name.replace(".", ": ", 1) for name in foreign(arm))
    if others:
        try:
            _try(method, head)
        except InvalidRequest:
            raise
        except Exception as error:
            said = " ".join(str(error).split())
            raise InvalidRequest(
                f"an arm must train and read {_WINDOWS} windows, and with {others} it ends in "
                f"{type(error).__name__} ({said}); mend it, the conformance test of its slot helps"
            ) from None


def _try(method: Method, head: Any) -> None:
    """Take the gradient of one step on noise, and fit and read the head."""
    sizes = method.sizes
    shapes = {
        "current": (_WINDOWS, sizes.current_steps, sizes.current_features),
        "video": (_WINDOWS, sizes.video_steps, sizes.video_features),
    }
    noise = torch.Generator().manual_seed(0)
    frames = {m: torch.rand(shape, generator=noise) for m, shape in shapes.items()}
    label = torch.arange(_WINDOWS) % 2
    metadata = torch.rand((_WINDOWS, sizes.metadata), generator=noise) if sizes.metadata else None
    with torch.random.fork_rng(devices=[]), torch.enable_grad():
        represented = method.represent(*(frames[m] for m in MODALITIES), label=label, metadata=metadata)
        for name, term in method.terms(represented).items():
            _require_shape(f"term {name} of the loss", term, ())
            if term.requires_grad:
                term.backward(retain_graph=True)  # type: ignore[no-untyped-call]
        method.eval()
        read = method.codes("current", frames["current"])
        scores = head.fit(*method.codes("video", frames["video"]), label, unlabelled=read[0]).score(*read)
        _require_shape("what a head says of windows", scores, (_WINDOWS,))


def _require_shape(what: str, value: Any, shape: tuple[int, ...]) -> None:
    found = tuple(value.shape) if isinstance(value, Tensor) else type(value).__name__
    if found != shape:
        raise TypeError(f"{what} must have shape {shape}, got {found}")
