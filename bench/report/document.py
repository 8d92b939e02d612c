"""The report for machines: one JSON document with everything that the page says."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from bench.report import words
from bench.report.comparison import Comparison
from bench.report.methods import methods
from bench.report.render import as_json
from bench.report.table import Table

FORMAT = 1
"""Raised when a key of the document changes its meaning or goes; new keys may come at any time."""


def document(comparison: Comparison, tables: Sequence[Table]) -> str:
    """Return ``report.json``: study, findings, methods, tables with raw values and runs, provenance.

    Its schema is ``docs/report.schema.json``. Numbers have all their digits; null stands where there
    is none.
    """
    evidence = comparison.evidence
    found = {
        "format": FORMAT,
        "study": evidence.study,
        "question": evidence.question,
        "data": evidence.data,
        "simulated": evidence.simulated,
        "metric": evidence.metric,
        "rope": evidence.rope,
        "baseline": evidence.baseline,
        "arms": [
            {
                "name": arm.name,
                "kind": arm.kind,
                "change": arm.change,
                "levels": dict(arm.levels),
                "note": arm.note,
            }
            for arm in evidence.arms
        ],
        "units": list(evidence.units),
        "cells": {"planned": evidence.planned, "recorded": len(evidence.runs), "missing": evidence.missing},
        "findings": words.findings(comparison),
        "methods": methods(comparison),
        "tables": [as_json(table) for table in tables],
        "provenance": {name: list(values) for name, values in sorted(evidence.provenance.items())},
        "command": evidence.command,
    }
    return msgspec.json.format(msgspec.json.encode(found), indent=1).decode() + "\n"
