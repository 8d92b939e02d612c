"""The method of an arm, made to the measure of a data set."""

from __future__ import annotations

from typing import Any

from bench.data.dataset import Dataset
from bench.data.windows import WindowSpec
from models.catalog import RECIPE
from models.method import MODALITIES, Method, Sizes


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
