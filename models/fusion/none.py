"""Both modalities are never read together."""

from __future__ import annotations

from models.registry import NoParameters, component


@component("fusion", "none")
class NoFusion:
    """Each modality is read alone."""

    def __init__(self, parameters: NoParameters) -> None:
        pass
