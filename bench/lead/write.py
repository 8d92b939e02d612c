"""Findings as files and for a terminal: the same findings give the same bytes."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from bench.lead.evidence import Answer
from bench.lead.figures import drawings
from bench.lead.inquiry import Findings
from bench.lead.words import results, sentences
from bench.report import render
from bench.report.folding import fold
from bench.report.lang import said_name, speaking
from bench.report.table import Table, fields, raw
from bench.report.write import replace_file

FORMAT = 1


def write(findings: Findings, folder: Path, command: str, language: str = "en") -> list[Path]:
    """Write ``lead.json``, ``lead.csv``, ``lead.md`` and ``figures/`` into a folder and return the files.

    In another language, Markdown and figures stand beside the English ones. What an earlier inquiry left
    there and this one does not have is removed.
    """
    files: dict[str, str | bytes] = {}
    for spoken in dict.fromkeys(("en", language)):
        with speaking(spoken):
            table, said = results(findings), sentences(findings)
            parts = [f"{sentence}\n" for sentence in said] + [render.markdown(table)]
            for each in drawings(findings):
                stem = f"{said_name('figures')}/{each.name}"
                parts.append(f"![{each.caption}]({stem}.svg)\n")
                files |= {f"{stem}.svg": each.svg, f"{stem}.png": each.png, f"{stem}.csv": each.data}
            files[said_name("lead.md")] = "\n".join([*parts, f"`{command}`\n"])
            if spoken == "en":
                files["lead.csv"] = _csv(table)
                files["lead.json"] = _json(findings, said, command)
    paths = [
        replace_file(folder / name, content.encode() if isinstance(content, str) else content)
        for name, content in files.items()
    ]
    for stale in {*folder.glob("figures*/*.*"), *folder.glob("lead.*.md")} - set(paths):
        stale.unlink()
    return paths


def terminal(findings: Findings, width: int = 110) -> str:
    """Return the table and what must be said, in lines of at most ``width`` columns."""
    table = results(findings)
    lines = [*fold(table.caption, width), "", render.plain(table, width).rstrip(), ""]
    lines += [line for sentence in sentences(findings) for line in fold(sentence, width)]
    return "\n".join(lines) + "\n"


def as_json(findings: Findings, said: list[str], command: str) -> dict[str, Any]:
    """Return everything that was found as plain values."""
    inquiry = findings.inquiry
    return {
        "format": FORMAT,
        "command": command,
        "data": inquiry.source.title,
        "simulated": inquiry.source.simulated,
        "fingerprint": inquiry.source.fingerprint(),
        "scan": asdict(inquiry.scan),
        "seed": inquiry.seed,
        "recordings": list(findings.recordings),
        "left_out": list(findings.left_out),
        "spared": findings.spared,
        "recommended": findings.headline.name,
        "said": said,
        "answers": [_answer(each) for each in findings.answers],
        "skipped": list(findings.skipped),
        "episodes": [asdict(each) for each in findings.episodes],
    }


def _answer(answer: Answer) -> dict[str, Any]:
    return {
        "estimator": answer.name,
        "labels": answer.labels,
        "recordings": answer.recordings,
        "groups": answer.groups,
        "finding": answer.word,
        "lead": answer.lead,
        "low": answer.low,
        "high": answer.high,
        "p": answer.p if answer.paired else None,
        "leads": answer.leads.tolist(),
        "curve": answer.curve.tolist(),
        "mismatched": {"low": answer.band[0].tolist(), "high": answer.band[1].tolist()},
        "highest_of_mismatched": answer.highest if answer.paired else None,
    }


def _json(findings: Findings, said: list[str], command: str) -> str:
    return json.dumps(as_json(findings, said, command), indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def _csv(table: Table) -> str:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow([name for column in table.columns for name in fields(column)])
    for row in table.rows:
        writer.writerow([v for c, cell in zip(table.columns, row, strict=True) for v in raw(c, cell.value)])
    return out.getvalue()
