"""The names of scores as people read them."""

from __future__ import annotations

#: How diagnostics of the shared space begin, which are told after every epoch beside the losses.
GEOMETRY = ("retrieval", "effective_rank", "cone")
_MEASURES = {"balanced_accuracy": "BA", "auroc": "AUROC", "auprc": "AUPRC", "f1": "F1", "mcc": "MCC"}


def short(metric: str) -> str:
    """Return a metric as a heading: ``current.balanced_accuracy`` -> ``BA``."""
    measure = metric.rsplit(".", 1)[-1]
    return _MEASURES.get(measure, measure.replace("_", " "))


def readable(metric: str) -> str:
    """Return a metric as words: ``current.balanced_accuracy`` -> ``balanced accuracy on current``."""
    modality, _, measure = metric.rpartition(".")
    return measure.replace("_", " ") + (f" on {modality}" if modality not in ("", "ceiling") else "")
