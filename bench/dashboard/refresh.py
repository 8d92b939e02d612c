"""Bring notes and figures of the dashboard up to the record."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import optuna
from optuna.samplers import RandomSampler
from optuna.storages import BaseStorage
from optuna_dashboard import get_note, save_note

from bench.dashboard import pictures
from bench.dashboard.artifacts import Place, attach, hung
from bench.dashboard.notes import study_note, trial_note, with_own
from bench.dashboard.reports import Report, Search, beside, find_report
from bench.identity import key
from bench.search.journal import Journal
from bench.search.log import Header, Trial, searches
from bench.search.mirror import Mirror, find_study
from bench.store import Record, Store

Drawing = Callable[[], bytes | None]


def refresh(root: Path) -> str | None:
    """Bring the journal to the record, draw the figures that are missing and write the notes again.

    Returns:
        A sentence if the journal was damaged or something could not be shown; nothing is raised, since
        the dashboard is no reason for a command that went well to fail.
    """
    mirror = Mirror(root)
    said = [mirror.reconcile(), mirror.complaint()]
    if not mirror.failures:
        try:
            _annotate(root)
        except Exception as error:  # searches are shown without their notes rather than not at all
            said.append(f"notes and figures are not up to date: {type(error).__name__}: {error}")
    return "; ".join(each for each in said if each) or None


def _annotate(root: Path) -> None:
    storage, store = Journal(root).storage(), Store(root)
    found = _searches(root, storage)
    for search in found:
        if search.best is not None:
            _draw_trial(root, storage, store, search, search.best, with_codebook=True)
        report = find_report(root, search.header)
        for path in report.figures if report else ():
            place, content = Place(storage, search.study), path.read_bytes()
            attach(place, root, path.name, key(content.hex()), partial(bytes, content))
        _write(root, storage, search, found, report)


def show_best(root: Path, storage: BaseStorage, header: Header, trial: Trial) -> None:
    """Show how a trial learned that has just become the best of its search; cheap."""
    found = _searches(root, storage)
    search = next(each for each in found if each.header.key == header.key)
    _draw_trial(root, storage, Store(root), search, trial, with_codebook=False)
    _write(root, storage, search, found, find_report(root, header))


def _searches(root: Path, storage: BaseStorage) -> list[Search]:
    found = []
    for log in searches(root):
        header = log.header()
        study = find_study(storage, header) if header else None
        if header is not None and study is not None:
            found.append(Search(study, header, log.trials()))
    return found


def _draw_trial(
    root: Path, storage: BaseStorage, store: Store, search: Search, trial: Trial, *, with_codebook: bool
) -> None:
    records = {f"seed {i}": store.get(cell) for i, cell in enumerate(trial.cells)}
    run = {seed: record for seed, record in records.items() if record is not None}
    place = Place(storage, search.study, _trial_id(storage, search, trial))
    curves = {seed: record.curve for seed, record in run.items()}
    draw = partial(pictures.learning_curve, search.header, trial, curves)
    attach(place, root, "learning curve.png", [len(curve) for curve in curves.values()], draw)
    if with_codebook and run:
        seed, record = next(iter(run.items()))
        attach(place, root, "codebook.png", record.key, _codebook(store, search, trial, seed, record))


def _codebook(store: Store, search: Search, trial: Trial, seed: str, record: Record) -> Drawing:
    def draw() -> bytes | None:
        arrays = store.predictions(record.key) or {}
        if "codebook" not in arrays:
            return None
        return pictures.codebook(search.header, trial, arrays["codebook"], seed)

    return draw


def _write(
    root: Path, storage: BaseStorage, search: Search, found: Sequence[Search], report: Report | None
) -> None:
    """Write the notes of a search and of each of its trials that has a figure."""
    name = storage.get_study_name_from_id(search.study)
    study = optuna.load_study(study_name=name, storage=storage, sampler=RandomSampler())
    drawn = hung(storage, search.study)
    by_id = {_trial_id(storage, search, trial): trial for trial in search.trials}
    shown = _addresses(Place(storage, search.study), drawn)
    for number, trial in by_id.items():
        if number in drawn:
            addresses = _addresses(Place(storage, search.study, number), drawn)
            _save(optuna.Trial(study, number), trial_note(search, trial, addresses))
            if search.best is not None and trial.number == search.best.number:
                shown = {**addresses, **shown}
    told = study_note(replace(search, pictures=shown), beside(search, found, report), report, root)
    _save(study, told)


def _save(target: optuna.Study | optuna.Trial, body: str) -> None:
    before = get_note(target)
    after = with_own(body, before)
    if after != before:
        save_note(target, after)


def _addresses(place: Place, drawn: dict[int | None, dict[str, str]]) -> dict[str, str]:
    return {Path(name).stem: place.url(artifact) for name, artifact in drawn.get(place.trial, {}).items()}


def _trial_id(storage: BaseStorage, search: Search, trial: Trial) -> int:
    return storage.get_trial_id_from_study_id_trial_number(search.study, trial.number)
