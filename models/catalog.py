"""The catalogue: importing it registers every component.

>>> recipe(contrast="cwcl")["contrast"]["name"]
'cwcl'
"""

from __future__ import annotations

from typing import Any

import models.alignment
import models.bridges
import models.calibration
import models.checkpoints
import models.codebook_optimizers
import models.contrast
import models.decoders
import models.disentangle
import models.encoders
import models.fusion
import models.guidance
import models.heads
import models.hierarchy
import models.matching
import models.optimizers
import models.quantizers
import models.specific  # noqa: F401
from models import plugins
from models.errors import unknown
from models.registry import resolve

RECIPE = {
    "current_encoder": "causal_conv",
    "video_encoder": "causal_conv",
    "bridge": "none",
    "specific_encoder": "mlp",
    "disentangle": "club",
    "quantizer": "mm_ema",
    "hierarchy": "none",
    "alignment": "cross_cpc",
    "contrast": "infonce",
    "code_matching": "cmcm",
    "guidance": "none",
    "decoder": "mlp",
    "optimizer": "adam",
    "checkpoint": "last",
    "calibration": "none",
    "codebook_optimizer": "none",
    "head": "linear",
    "fusion": "none",
}


plugins.load()


def recipe(**changes: Any) -> dict[str, dict[str, Any]]:
    """Return the recommended recipe, resolved, with some slots changed.

    Args:
        changes: a component name or a mapping with a name, by slot.

    Raises:
        InvalidRequest: unknown slot, component or parameter.
    """
    for slot in changes:
        if slot not in RECIPE:
            raise unknown("slot", slot, RECIPE)
    return {slot: resolve(slot, changes.get(slot, name)) for slot, name in RECIPE.items()}
