"""A study: a question, a baseline arm, its changes and a budget, read from one YAML file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from functools import cache, cached_property, partial
from pathlib import Path
from typing import Any

import bench.data.sources  # noqa: F401  (registers every source)
from bench import disturb, identity
from bench.arms import Arm, identified, resolve_arms, used
from bench.data.asking import fingerprint_of, source_of
from bench.data.source import Source
from bench.data.split import SplitSpec
from bench.data.windows import WindowSpec
from bench.reading import load_yaml, overridden
from bench.reporting import Reporting, read_reporting
from bench.warning import JUDGED, SECONDS, WarningSpec
from models import registry
from models.catalog import RECIPE
from models.errors import InvalidRequest, unknown
from models.method import MODALITIES
from models.plugins import foreign
from models.registry import param

FORMAT = 1


@dataclass(frozen=True)
class Budget:
    """What one cell may spend; the same for every arm."""

    epochs: int = param(6, low=1, high=1000, help="epochs of pre-training")
    windows: int = param(5000, low=8, high=10_000_000, help="windows drawn per epoch")


@dataclass(frozen=True)
class Settings:
    """The keys of a study that are plain values."""

    question: str
    protocol: str = param("inductive", choices=("inductive", "transductive"))
    metric: str = param("current.balanced_accuracy", help="score the study judges by")
    rope: float = param(
        0.01, low=0.0, high=3600.0, help="differences smaller than this do not matter, in the metric's unit"
    )
    seeds: int = param(8, low=1, high=10_000, help="paired seeds")
    order: str = param(
        "declared",
        choices=("declared", "ranked"),
        help="of the changes in a report: as written, or best first",
    )
    permutations: int = param(
        1,
        low=1,
        high=1000,
        help="shuffles per unit of every arm whose pairs are shuffled, averaged in a report",
    )


@dataclass(frozen=True)
class Unit:
    """One (data set, split, seed): what every arm is run on.

    ``search`` is the number of a whole search, where that is what is repeated; its seeds are then
    repetitions within the unit.
    """

    seed: int
    fold: int | None = None
    search: int | None = None

    @property
    def name(self) -> str:
        """The pairing key."""
        where = "" if self.fold is None else f"fold {self.fold}, "
        return f"{where}search {self.search}" if self.search is not None else f"{where}seed {self.seed}"


@dataclass(frozen=True)
class Cell:
    """Arm x unit: one training run, one record; identified by the hash of ``content``."""

    arm: str
    unit: Unit
    permutation: int
    content: dict[str, Any]
    known: str = field(default="", compare=False, repr=False)  # its key, where that was computed already

    @cached_property
    def key(self) -> str:
        """Content key: resolved configuration, data fingerprint and seeds."""
        return self.known or identity.key(self.content)


@dataclass(frozen=True)
class Study:
    """A resolved study.

    Attributes:
        name: stem of the file.
        settings: question, protocol, metric, rope, seeds, permutations.
        budget: what one cell may spend.
        source: where the recordings come from.
        windows: how they are cut.
        split: how they are divided.
        arms: the baseline first.
        settings_given: the overrides it was read with.
        search: how ``precursor search`` tunes its arms; the defaults if the file does not say.
        reporting: what its report shows.
        warning: what counts as an early warning.
        disturbances: label -> specification of what the test parts are read under as well.
    """

    name: str
    settings: Settings
    budget: Budget
    source: Source
    windows: WindowSpec
    split: SplitSpec
    arms: tuple[Arm, ...]
    settings_given: tuple[str, ...] = ()
    search: Mapping[str, Any] = field(default_factory=dict)
    reporting: Reporting = Reporting()
    warning: WarningSpec = WarningSpec()
    disturbances: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    @property
    def units(self) -> tuple[Unit, ...]:
        """All units: seeds, or folds x seeds where the source names folds."""
        folds = self.source.folds if self.split.by == "fold" else (None,)
        if not folds:
            raise InvalidRequest(
                f"split.by: fold needs a source that names folds, and {self.source.title} names none; "
                "split by recording"
            )
        return tuple(Unit(seed, fold) for fold in folds for seed in range(self.settings.seeds))

    @property
    def leads(self) -> list[float]:
        """The leads that occur, s."""
        return sorted({arm.config["lead"] for arm in self.arms})

    @property
    def raw(self) -> frozenset[str]:
        """The modalities that some arm reads as they were recorded."""
        return frozenset(m for m in MODALITIES for arm in self.arms if arm.config.get(f"{m}_input") == "raw")

    def cells(self) -> tuple[Cell, ...]:
        """Return every cell, unit by unit so that an interrupted run leaves complete pairs."""
        fingerprint = fingerprint_of(self.source)
        shared = {
            arm.name: self.content(arm.config, arm.treatment, None, {}, fingerprint) for arm in self.arms
        }
        texts = {
            name: {key: identity.canonical(value) for key, value in content.items()}
            for name, content in shared.items()
        }
        own = cache(partial(_own, asdict(self.split)))
        return tuple(
            _cell(arm.name, unit, shuffle, shared[arm.name], texts[arm.name], own(unit, shuffle))
            for unit in sorted(self.units, key=lambda unit: unit.seed)
            for arm in self.arms
            for shuffle in range(self.shuffles(arm.config, arm.treatment))
        )

    def shuffles(self, config: Mapping[str, Any], treatment: str) -> int:
        """Return how many runs a unit of an arm has: several where its pairs are shuffled."""
        mixed = treatment == "method" and config.get("pairs") == "shuffled"
        return self.settings.permutations if mixed or treatment == "shuffled_pairs" else 1

    def content(
        self,
        config: Mapping[str, Any],
        treatment: str,
        fold: int | None,
        seeds: Mapping[str, int],
        fingerprint: str,
    ) -> dict[str, Any]:
        """Return everything that decides the result of one cell of this study.

        An arm whose pairs are shuffled is its own control ``shuffled_pairs``: one run, one key.
        """
        arm = identified(config)
        if treatment in ("method", "shuffled_pairs") and arm.get("pairs") == "shuffled":
            treatment = "shuffled_pairs"
            del arm["pairs"]
        return {
            "format": FORMAT,
            "data": fingerprint,
            "windows": asdict(self.windows),
            "split": {**asdict(self.split), "fold": fold},
            "protocol": config.get("protocol", self.settings.protocol),
            "arm": arm,
            "treatment": treatment,
            "budget": asdict(self.budget),
            "seeds": dict(seeds),
            # Left out where it is the usual one, so that it changes no key.
            **({"warning": asdict(self.warning)} if self.warning != WarningSpec() else {}),
            **({"plugins": plugins} if (plugins := foreign(config)) else {}),
            **({"disturbances": read} if (read := self._read_under(treatment)) else {}),
        }

    def _read_under(self, treatment: str) -> dict[str, Any]:
        """Return what a cell is read under beside its clean test part; nothing for a control."""
        if not self.disturbances or not treatment.startswith(("method", "supervised_", "logistic_")):
            return {}
        return {"version": disturb.VERSION, "read": dict(self.disturbances)}


_Part = tuple[dict[str, Any], dict[str, str]]  # of the content of cells, and the canonical text of each value


def _own(split: Mapping[str, Any], unit: Unit, shuffle: int) -> _Part:
    """Return what the cells of one unit have of their own."""
    own = {
        "split": {**split, "fold": unit.fold},
        "seeds": {"split": unit.seed, "initialisation": unit.seed, "permutation": shuffle},
    }
    return own, {name: identity.canonical(value) for name, value in own.items()}


def _cell(
    arm: str, unit: Unit, shuffle: int, shared: Mapping[str, Any], texts: Mapping[str, str], own: _Part
) -> Cell:
    """Return an arm on one unit, given what all its cells share and what those of the unit do."""
    return Cell(arm, unit, shuffle, {**shared, **own[0]}, identity.key_of_parts({**texts, **own[1]}))


_PLAIN = tuple(registry.fields(Settings))
_KEYS = (
    *_PLAIN,
    "dataset",
    "windows",
    "split",
    "disturbances",
    "budget",
    "baseline",
    "changes",
    "grid",
    "controls",
    "references",
    "search",
    "report",
    "warning",
)


def load(path: Path, *, data: Mapping[str, str] | None = None, settings: tuple[str, ...] = ()) -> Study:
    """Read a study.

    Args:
        path: YAML file.
        data: source name to path, as ``--data milling=PATH`` gives it; replaces the study's own
            data set when the names differ.
        settings: overrides such as ``dataset.seed=7``.

    Raises:
        InvalidRequest: whatever is wrong with the file, in one sentence.
    """
    raw = overridden(load_yaml(path), settings)
    for key in raw:
        if key not in _KEYS:
            raise unknown("study key", key, _KEYS)
    for key in ("question", "dataset", "baseline"):
        if key not in raw and not (key == "dataset" and data):
            raise InvalidRequest(f"a study needs the key {key!r} and {path} has none; add it")
    plain = registry.read(Settings, {key: raw[key] for key in _PLAIN if key in raw}, "study")
    typed = overridden({}, tuple(each for each in settings if each.startswith("dataset.")))
    source = _source(raw.get("dataset", {}), data or {}, typed.get("dataset", {}))
    windows = registry.read(WindowSpec, {**asdict(source.windows), **_mapping(raw, "windows")}, "windows")
    split = registry.read(SplitSpec, {**asdict(source.split), **_mapping(raw, "split")}, "split")
    if split.by == "published" and not source.published:
        raise InvalidRequest(
            f"split.by: published needs a source with published lists of frames, and {source.title} has "
            "none; split by recording"
        )
    arms = resolve_arms(
        _mapping(raw, "baseline"),
        _mapping(raw, "changes"),
        _mapping(raw, "grid"),
        _names(raw, "controls"),
        _names(raw, "references"),
        lead=source.lead,
        protocol=plain.protocol,
    )
    budget = registry.read(Budget, _mapping(raw, "budget"), "budget")
    _check_metric(plain, split, "rope" in raw)
    search = _mapping(raw, "search")
    if search:
        from bench.search.spec import read_search  # only then is Optuna needed

        read_search(search, plain.metric)
    _check_arms(arms, source, split, budget, plain.metric)
    reporting = read_reporting(_mapping(raw, "report"))
    warning = registry.read(WarningSpec, _mapping(raw, "warning"), "warning")
    disturbances = disturb.read_disturbances(_mapping(raw, "disturbances"))
    return Study(
        path.stem,
        plain,
        budget,
        source,
        windows,
        split,
        arms,
        settings,
        search,
        reporting,
        warning,
        disturbances,
    )


def _source(spec: object, data: Mapping[str, str], typed: Mapping[str, Any]) -> Source:
    """Build the study's own source, or the one that ``--data`` names with the keys that were typed for it."""
    spec = {"name": spec} if isinstance(spec, str) else spec
    if not isinstance(spec, Mapping):
        raise InvalidRequest(f"dataset must be a name or a mapping with 'name', got {spec!r}")
    if len(data) > 1:
        raise InvalidRequest(
            f"a study runs on one data set at a time, got {', '.join(data)}; run it once for each"
        )
    own = dict(spec)
    for name, path in data.items():
        own = {**(own if own.get("name") == name else {**typed, "name": name}), "path": path}
    path = own.pop("path", None)
    if path is not None and not (isinstance(path, str) and path.strip()):
        raise InvalidRequest(f"dataset.path must be text that names a folder, got {path!r}")
    resolved = registry.resolve("dataset", own)
    return source_of(resolved, Path(path).expanduser() if path is not None else None)


def _mapping(raw: Mapping[str, Any], key: str) -> dict[str, Any]:
    value = raw.get(key) or {}
    if not isinstance(value, dict):
        raise InvalidRequest(f"{key} must be a mapping, got {value!r}")
    return value


def _names(raw: Mapping[str, Any], key: str) -> tuple[str, ...]:
    value = raw.get(key) or []
    if not isinstance(value, list) or not all(isinstance(name, str) for name in value):
        raise InvalidRequest(f"{key} must be a list of names, got {value!r}; write [shuffled_pairs]")
    if len(set(value)) < len(value):
        raise InvalidRequest(f"{key} must name each entry once, got {value!r}")
    return tuple(value)


def _check_arms(arms: tuple[Arm, ...], source: Source, split: SplitSpec, budget: Budget, metric: str) -> None:
    """Refuse an arm that asks for what the rest of the study does not give."""
    for arm in arms:
        config = arm.config
        acting = used(config)
        found = {slot: registry.lookup(slot, acting[slot]["name"]) for slot in RECIPE if slot in acting}
        needs = {need: f"{slot}: {c.name}" for slot, c in found.items() for need in c.needs}
        epoch = config["checkpoint"].get("epoch", 1)
        for wrong, what in (
            ("metadata" in needs and not source.metadata,
             f"{needs.get('metadata')} needs process metadata, and {source.title} has none"),
            ("label" in needs and config["protocol"] == "transductive",
             f"{needs.get('label')} looks at labels in pre-training, which must then be inductive, "
             "or it would see those of the test part; set protocol: inductive"),
            (not split.validation and found["checkpoint"].name == "best",
             "checkpoint: best needs a validation part, and split.validation is 0; raise it"),
            (not split.validation and found["codebook_optimizer"].name != "none",
             f"codebook_optimizer: {found['codebook_optimizer'].name} needs a validation part to choose on, "
             "and split.validation is 0; raise it"),
            (isinstance(count := config.get("recordings", "all"), int) and count > (source.count or count),
             f"recordings must not exceed those of the training part, got {count} where {source.title} has "
             f"{source.count} in all; lower it"),
            (epoch > budget.epochs,
             f"checkpoint.epoch must not exceed budget.epochs ({budget.epochs}), got {epoch}; change one"),
            (arm.treatment == "random_codebook" and "codes" in found["quantizer"].lacks,
             f"random_codebook re-names codes, and quantizer: {found['quantizer'].name} has none"),
            (metric.startswith("fused.") and arm.treatment == "method" and found["fusion"].name == "none",
             f"the metric {metric} needs a fusion, and this arm has none; add one"),
        ):  # fmt: skip
            if wrong:
                raise InvalidRequest(f"arm {arm.name!r}: {what}")


def _check_metric(plain: Settings, split: SplitSpec, rope_given: bool) -> None:
    from bench.cell.scores import LOWER_IS_BETTER, NAMES

    # A study is judged by scores of which more is better.
    windowed = [
        f"{modality}.{name}"
        for modality in ("current", "video", "fused")
        for name in NAMES
        if name != LOWER_IS_BETTER
    ]
    metric = plain.metric
    if metric not in (*windowed, *JUDGED):
        raise unknown("metric", metric, (*windowed, *JUDGED))
    if metric in JUDGED and not split.validation:
        raise InvalidRequest(
            f"the metric {metric} needs a validation part to choose alarm rules on, and split.validation is "
            "0; raise it"
        )
    seconds = metric.endswith(SECONDS)
    if seconds and not rope_given:
        raise InvalidRequest(
            f"the metric {metric} is in seconds, so rope must be given in them; write rope: 15"
        )
    if not seconds and plain.rope > 1:
        raise InvalidRequest(
            f"rope must not exceed 1 for the metric {metric}, a number of at most 1, got {plain.rope:g}; "
            "lower it"
        )
