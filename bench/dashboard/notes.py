"""What the dashboard says in words: a note on every search and on its best trial."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from optuna.distributions import json_to_distribution

from bench.dashboard.reports import REPORT, Report, Search
from bench.report.metric import readable
from bench.search.log import Header, Trial

OWN = "*Write below this line: it is kept.*"
_BEST = 5  # trials listed in a note


def study_note(search: Search, beside: Sequence[Search], report: Report | None, root: Path) -> str:
    """Return the note of a search.

    Args:
        search: the search.
        beside: the searches that it stands beside, this one among them.
        report: the report that tells of it.
        root: folder that the dashboard serves reports from.
    """
    header = search.header
    parts = [f"# {header.study}: arm `{header.arm}`", header.question, *_reading(header)]
    parts += ["## Best so far", _best_table(search)]
    parts += ["## Budget spent", _budget(search.trials), "## Arms side by side", _arms_table(search, beside)]
    if report is not None:
        path = report.page.relative_to(root).as_posix()
        parts += ["## Comparison on fresh seeds", _airy(report.table)]
        parts.append(f"[The report, with every arm side by side]({REPORT}{path}): `{path}` beside the record")
    if search.pictures:
        parts += ["## Figures", *(_picture(name, url) for name, url in search.pictures.items())]
    return "\n\n".join(part for part in parts if part)


def trial_note(search: Search, trial: Trial, pictures: Mapping[str, str]) -> str:
    """Return the note of a trial that is, or was, the best of its search."""
    header = search.header
    leader = search.best
    if leader is not None and leader.number == trial.number:
        lead = f"# Best of {len(search.trials)} trials so far"
    else:
        lead = "# The best when it ended, no longer" + (f"; see trial {leader.number}" if leader else "")
    seeds = ", ".join(f"{value:.3f}" for value in trial.seeds)
    told = f"{readable(header.objectives[0])} on validation: **{_values(trial)}** (seeds: {seeds})"
    rows = [_row([f"`{key}`", _shown(value)]) for key, value in trial.params.items()]
    table = "\n".join([_row(["parameter", "value"]), _row(["---", "---:"]), *rows])
    return "\n\n".join([lead, told, table, *(_picture(name, url) for name, url in pictures.items())])


def with_own(body: str, before: str) -> str:
    """Return a note with what people wrote below the last one."""
    _, _, own = before.partition(OWN)
    return f"{body}\n\n---\n\n{OWN}{own}"


def _reading(header: Header) -> list[str]:
    how = (
        f"Data: {header.data}. A trial is one configuration, trained on several seeds; its value is the mean "
        f"**{readable(header.objectives[0])}** on the *validation* part. No test label is read here. A trial "
        "that is pruned was behind others after the same epochs, or behind the best on the same seeds."
    )
    several = (
        "With several objectives there is no single best: see the Pareto front." if _several(header) else ""
    )
    return [how, several]


def _best_table(search: Search) -> str:
    header = search.header
    complete = [t for t in search.trials if t.state == "complete" and not t.failure]
    if not complete:
        return "No trial is complete yet."
    ranked = sorted(complete, key=lambda trial: (-trial.values[0], trial.number))[:_BEST]
    links = [
        f"[trial {trial.number}](/dashboard/studies/{search.study}/trials?numbers={trial.number})"
        for trial in ranked
    ]
    lines = [_row(["", *links]), _row(["---", *["---:"] * len(ranked)])]
    for n, name in enumerate(header.objectives):
        lines.append(_row([readable(name), *(f"**{_shown(trial.values[n])}**" for trial in ranked)]))
    for n in range(max(len(trial.seeds) for trial in ranked)):
        lines.append(_row([f"seed {n}", *(f"{trial.seeds[n]:.3f}" for trial in ranked)]))
    for key in _varied(header):
        lines.append(_row([f"`{key}`", *(_shown(trial.params[key]) for trial in ranked)]))
    return "\n".join(lines)


def _varied(header: Header) -> list[str]:
    """Leave out parameters that have one value only."""
    distributions = {key: json_to_distribution(text) for key, text in header.space.items()}
    return [key for key, each in distributions.items() if not each.single()]


def _budget(trials: Sequence[Trial]) -> str:
    counts = {state: sum(t.state == state for t in trials) for state in ("complete", "pruned", "failed")}
    waiting = len(trials) - sum(counts.values())
    spent, reused = sum(t.epochs for t in trials), sum(t.reused for t in trials)
    equal = sum(t.same_as is not None for t in trials)
    told = [f"{count} {state}" for state, count in counts.items()] + [f"{waiting} not ended"] * (waiting > 0)
    return (
        f"{len(trials)} trials ({', '.join(told)}), {equal} of them equal to an earlier one; "
        f"{spent} epochs of training, {reused} of them read from the record (when this note was written: at "
        "the last new best, or when the dashboard began)."
    )


def _arms_table(search: Search, beside: Sequence[Search]) -> str:
    head = ["arm", "sampler", "repeat", "trials", "epochs", f"best {readable(search.header.objectives[0])}"]
    lines = [_row(head), _row(["---", "---", "---:", "---:", "---:", "---:"])]
    alike = Counter(_place(each.header) for each in beside)
    for each in beside:
        name = f"`{each.header.arm}`"
        if alike[_place(each.header)] > 1:  # searched with different settings: told apart as in the titles
            name += f" ({each.header.key[:6]})"
        link = f"**{name}**" if each.study == search.study else f"[{name}](/dashboard/studies/{each.study})"
        top = each.best
        epochs = sum(trial.epochs for trial in each.trials)
        value = _shown(top.values[0]) if top else "–"
        lines.append(
            _row(
                [
                    link,
                    each.header.sampler,
                    str(each.header.repeat),
                    str(len(each.trials)),
                    str(epochs),
                    value,
                ]
            )
        )
    return "\n".join(lines)


def _place(header: Header) -> tuple[str, str, int]:
    return header.arm, header.sampler, header.repeat


def _values(trial: Trial) -> str:
    return ", ".join(_shown(value) for value in trial.values)


def _shown(value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return f"`{value}`"
    return f"{value:,}" if isinstance(value, int) else f"{value:.3g}" if abs(value) < 0.1 else f"{value:,.3f}"


def _row(cells: Sequence[str]) -> str:
    return _airy(f"| {' | '.join(cells)} |")


def _airy(table: str) -> str:
    """Keep columns apart: the dashboard draws tables without any space in their cells."""
    rows = table.split("\n")
    return "\n".join(row if "---" in row else row.replace(" | ", "\u00a0|\u00a0") for row in rows)


def _picture(name: str, address: str) -> str:
    return f"![{name}]({address})"


def _several(header: Header) -> bool:
    return len(header.objectives) > 1
