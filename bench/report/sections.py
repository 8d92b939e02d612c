"""What the sections of a report are called."""

from __future__ import annotations

from bench.report.lang import say, template

_TITLES = {
    "results": template("Results"),
    "beside": template("Side by side"),
    "worlds": template("Data sets together"),
    "tuning": template("Tuning"),
    "search": template("Search"),
    "winners": template("Winners"),
    "pareto": template("Pareto front"),
    "ranks": template("Ranks"),
    "pairwise": template("All pairs"),
    "factors": template("Factors"),
    "epochs": template("Choice of the epoch"),
    "robustness": template("Robustness"),
    "strengths": template("Strengths of disturbances"),
    "fingerprints": template("Batch fingerprints"),
    "fingerprints_and_score": template("Batch fingerprints and the score"),
    "looks": template("Looks"),
    "warnings": template("Early warning"),
    "controls": template("Controls"),
    "references": template("References and ceilings"),
    "by_group": template("By recording"),
    "new_batches": template("New batches"),
    "failures": template("Failures"),
    "cost": template("Cost"),
}


def section_title(key: str) -> str:
    """Return the title of the section that a table begins."""
    return say(_TITLES[key])
