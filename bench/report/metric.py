"""The names of scores as people read them."""

from __future__ import annotations

from bench.report.lang import say, template

#: How diagnostics of the shared space begin, which are told after every epoch beside the losses.
GEOMETRY = ("retrieval", "effective_rank", "cone")
_SHORT = {"balanced_accuracy": "BA", "auroc": "AUROC", "auprc": "AUPRC", "f1": "F1", "mcc": "MCC"}
_MEASURES = {
    "balanced_accuracy": template("balanced accuracy"),
    "accuracy": template("accuracy"),
    "f1": template("f1"),
    "mcc": template("mcc"),
    "auroc": template("auroc"),
    "auprc": template("auprc"),
    "recall": template("recall"),
    "false_alarm_rate": template("false alarm rate"),
    "cpu_seconds": template("cpu seconds"),
    "parameters": template("parameters"),
    "lead": template("lead"),
}
_MODALITIES = {
    "current": template("current"),
    "video": template("video"),
    "fused": template("fused"),
}


def short(metric: str) -> str:
    """Return a metric as a heading: ``current.balanced_accuracy`` -> ``BA``."""
    measure = metric.rsplit(".", 1)[-1]
    return _SHORT.get(measure) or _measure(measure)


def readable(metric: str) -> str:
    """Return a metric as words: ``current.balanced_accuracy`` -> ``balanced accuracy on current``."""
    modality, _, measure = metric.rpartition(".")
    if modality in ("", "ceiling"):
        return _measure(measure)
    told = _MODALITIES.get(modality)
    return say("{measure} on {modality}", measure=_measure(measure), modality=say(told) if told else modality)


def _measure(name: str) -> str:
    return say(_MEASURES[name]) if name in _MEASURES else name.replace("_", " ")
