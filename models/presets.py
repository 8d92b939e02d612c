"""Presets: combinations of components that go by a name of their own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from models.errors import unknown


@dataclass(frozen=True)
class Preset:
    """Slots and conditions of an arm that go together.

    Attributes:
        summary: what it is, in a sentence.
        origin: where it comes from.
        slots: what it sets, as a change in a study does.
    """

    summary: str
    origin: str
    slots: Mapping[str, Any]


_NO_CODEBOOK: Mapping[str, Any] = {
    "specific_encoder": "none",
    "disentangle": "none",
    "quantizer": "none",
    "code_matching": "none",
    # What a head is fitted on and what it is read on need not have one scale; the same for all of them,
    # unless a method has a calibration of its own.
    "calibration": "standardise",
}
_POOLED: Mapping[str, Any] = {"name": "pooled", "current_to_video": 1.0, "video_to_current": 1.0}

_AS_THEY_ARE: Mapping[str, Any] = {**_POOLED, "normalise": False}
_STRONG: Mapping[str, Any] = {"name": "pooled", "current_to_video": 10.0, "video_to_current": 10.0}


def _paired(summary: str, origin: str, contrast: Any, **more: Any) -> Preset:
    """A method without a codebook: the pooled vectors of a pair are compared by a contrast."""
    return Preset(summary, origin, {**_NO_CODEBOOK, "alignment": _POOLED, "contrast": contrast, **more})


def _guided(summary: str, origin: str, guidance: Any) -> Preset:
    """A method without a codebook or an alignment: what ties the modalities is the label."""
    return Preset(summary, origin, {**_NO_CODEBOOK, "alignment": "none", "guidance": guidance})


PRESETS: dict[str, Preset] = {
    "asymmetric": Preset(
        "The current learns from the video more than the video from the current.",
        "CMG, NeurIPS 2023, with directional weights",
        {"quantizer": {"video_share": 0.8, "current_share": 0.2, "current_pull": 0.25}},
    ),
    "video_teacher": Preset(
        "The current learns from the video; the video ignores the current in the codebook.",
        "CMG, NeurIPS 2023, with directional weights",
        {"quantizer": {"video_share": 1.0, "current_share": 0.0, "current_pull": 0.0}},
    ),
    "h_dcid": Preset(
        "A second level of codes on what the first left to the specific vectors; the head reads both.",
        "H-DCID, arXiv 2403.05168",
        {"hierarchy": "two_level"},
    ),
    "h_dcid_toc": Preset(
        "Two levels of codes, of which the head reads the channels that tell codes apart.",
        "H-DCID + TOC, arXiv 2403.05168",
        {"hierarchy": "two_level", "codebook_optimizer": "toc"},
    ),
    "toc": Preset(
        "The head reads the channels that tell codes apart; their number is chosen on validation.",
        "TOC, arXiv 2403.05168",
        {"codebook_optimizer": "toc"},
    ),
    "fsq_asymmetric": Preset(
        "A codebook without averages: the current predicts the video's index, the video ignores it.",
        "FSQ, arXiv 2309.15505",
        {"quantizer": "fsq", "code_matching": "index_prediction"},
    ),
    "clip": _paired(
        "Pooled vectors of a pair find each other in the batch.", "CLIP, arXiv 2103.00020", "infonce"
    ),
    "siglip": _paired("Each pair is told right or wrong by itself.", "SigLIP, arXiv 2303.15343", "sigmoid"),
    "align_vsr_global": Preset(
        "The current attends to the codes that the video shapes.",
        "AlignVSR, arXiv 2410.16438",
        {"bridge": {"name": "code_bank", "local": 0.0}},
    ),
    "align_vsr": Preset(
        "The current attends to the code that the video uses at that time.",
        "AlignVSR, arXiv 2410.16438",
        {"bridge": "code_bank"},
    ),
    "align_vsr_video_bank": Preset(
        "The same with a bank that the video alone shapes: the current pulls no code.",
        "AlignVSR, arXiv 2410.16438",
        {
            "bridge": "code_bank",
            "quantizer": {"video_share": 1.0, "current_share": 0.0, "current_pull": 0.0},
        },
    ),
    "q_former": Preset(
        "Four learned queries read a window of either modality and stand for it.",
        "BLIP-2, arXiv 2301.12597",
        {"bridge": "qformer", "alignment": "none"},
    ),
    "one_llm": Preset(
        "One encoder and one mixture of projection experts, behind a soft router, for both modalities.",
        "OneLLM, arXiv 2312.03700",
        {"bridge": "projection_experts"},
    ),
    "stft_shufflenet": Preset(
        "The current as a spectrogram, read by a small convolutional net.",
        "arXiv 2501.03746",
        {"current_encoder": "stft_shufflenet", "current_input": "raw", "alignment": "pooled"},
    ),
    "raw_current": Preset(
        "The samples of the current instead of features of each step.",
        "",
        {"current_input": "raw"},
    ),
    "frame_cnn": Preset(
        "The pictures themselves, read by two convolutions.",
        "",
        {"video_encoder": "frame_cnn", "video_input": "raw"},
    ),
    "frame_vit": Preset(
        "The pictures themselves, read as patches by a small transformer.",
        "ViT, arXiv 2010.11929",
        {"video_encoder": "frame_vit", "video_input": "raw"},
    ),
    "published_current": Preset(
        "The published current-only transformer at its published width, with four of its six layers, encodes "
        "the current; its first norm deletes the level. A step is a token.",
        "FmFormer, arXiv 2406.09016",
        {
            "current_encoder": {"name": "published_current", "hidden": 96, "layers": 4},
            "current_input": "raw",
            "alignment": "pooled",
        },
    ),
    "published_current_level": Preset(
        "The same without its first norm, so that it sees the level.",
        "after FmFormer, arXiv 2406.09016",
        {
            "current_encoder": {"name": "published_current", "hidden": 96, "layers": 4, "level": "kept"},
            "current_input": "raw",
            "alignment": "pooled",
        },
    ),
    "published_current_small": Preset(
        "The same at a third of the width: what a study of many arms affords.",
        "after FmFormer, arXiv 2406.09016",
        {
            "current_encoder": {"name": "published_current", "pool": 12, "hidden": 32},
            "current_input": "raw",
            "alignment": "pooled",
        },
    ),
    "published_current_level_small": Preset(
        "The small one without its first norm, so that it sees the level.",
        "after FmFormer, arXiv 2406.09016",
        {
            "current_encoder": {"name": "published_current", "pool": 12, "hidden": 32, "level": "kept"},
            "current_input": "raw",
            "alignment": "pooled",
        },
    ),
    "label_through_pair": _guided(
        "The current learns the label of its video, and nothing else of it.", "", "pair_labels"
    ),
    "logit_kd": _guided(
        "The current learns what a classifier of the video says.",
        "Hinton, arXiv 1503.02531",
        {"name": "distillation", "imitation": 1.0},
    ),
    "lupi": _guided(
        "The current learns half from the label, half from a classifier of the video.",
        "generalised distillation, arXiv 1511.03643",
        {"name": "distillation", "imitation": 0.5},
    ),
    "feature_mimic": _paired("The current imitates the video's vector.", "arXiv 1507.00448", "mimic"),
    "rkd": _paired(
        "Distances and angles among windows are imitated; what is left is a rotation.",
        "RKD, arXiv 1904.05068",
        "relational",
        calibration="procrustes",
    ),
    "crd": _paired("Contrastive distillation, its negatives of the batch.", "CRD, arXiv 1910.10699", "crd"),
    "linear_cca": _paired(
        "Linear maps of features whose correlation is largest.",
        "Hotelling 1936",
        "cca",
        alignment=_AS_THEY_ARE,
        current_encoder={"name": "linear", "unit_norm": False},
        video_encoder={"name": "linear", "unit_norm": False},
        calibration="canonical",
    ),
    "deep_cca": _paired(
        "Nets whose outputs correlate most.",
        "DeepCCA, ICML 2013",
        "cca",
        alignment=_AS_THEY_ARE,
        current_encoder={"name": "causal_conv", "unit_norm": False},
        video_encoder={"name": "causal_conv", "unit_norm": False},
        calibration="canonical",
    ),
    "vicreg": _paired("Near, spread out and uncorrelated.", "VICReg, arXiv 2105.04906", "vicreg"),
    "barlow_twins": _paired(
        "The cross-correlation of standardised coordinates is the identity.",
        "Barlow Twins, arXiv 2103.03230",
        "barlow",
    ),
    # Their losses are small numbers: at a weight of 1 they would be drowned by the reconstruction.
    "coral": _paired(
        "Equal covariances, whatever the pairs.", "CORAL, arXiv 1607.01719", "coral", alignment=_STRONG
    ),
    "mmd": _paired(
        "Equal distributions, whatever the pairs.", "MMD, arXiv 1502.02791", "mmd", alignment=_STRONG
    ),
}


def preset(name: object) -> Preset:
    """Return a preset by name.

    Raises:
        InvalidRequest: there is none of that name.
    """
    if not isinstance(name, str) or name not in PRESETS:
        raise unknown("preset", name, PRESETS)
    return PRESETS[name]
