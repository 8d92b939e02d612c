"""The catalogue: importing it registers every component.

>>> recipe(contrast="cwcl")["contrast"]["name"]
'cwcl'
"""

from __future__ import annotations

from typing import Any

import models.alignment
import models.contrast
import models.decoders
import models.disentangle
import models.encoders
import models.heads
import models.matching
import models.optimizers
import models.quantizers
import models.specific  # noqa: F401
from models.errors import unknown
from models.registry import resolve

RECIPE = {
    "current_encoder": "causal_conv",
    "video_encoder": "causal_conv",
    "specific_encoder": "mlp",
    "disentangle": "club",
    "quantizer": "mm_ema",
    "alignment": "cross_cpc",
    "contrast": "infonce",
    "code_matching": "cmcm",
    "decoder": "mlp",
    "optimizer": "adam",
    "head": "linear",
}


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
