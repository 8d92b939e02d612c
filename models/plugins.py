"""Components from elsewhere: from installed packages, and from single files.

An installed package names its module under the entry point group ``precursor.components``; a file is
named on the command line (``--plugin my_loss.py``). Importing either registers its components, which
then work like those that come with the project. Workers find the files by the environment variable.
"""

from __future__ import annotations

import ast
import contextlib
import hashlib
import importlib.util
import os
import sys
import sysconfig
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from types import ModuleType
from typing import Any

from models.errors import InvalidRequest
from models.registry import components, lookup, slots

GROUP = "precursor.components"
VARIABLE = "PRECURSOR_PLUGINS"
_PREFIX = "precursor_plugin_"
_PROJECT = Path(__file__).resolve().parents[1]
_NOT_THEIRS = (
    _PROJECT / "models",
    _PROJECT / "bench",
    *(Path(sysconfig.get_path(kind)).resolve() for kind in ("stdlib", "platstdlib")),
)
_INSTALLED = {"site-packages", "dist-packages"}
#: Module of a plugin to the hash of the whole plugin as it was imported.
_HASHES: dict[str, str] = {}


def name_files(paths: Iterable[Path]) -> None:
    """Name plugin files, for this process and for those it starts; before the catalogue is imported.

    Raises:
        InvalidRequest: a path holds the character that separates paths.
    """
    known = [str(path) for path in named_files()]
    added = [str(path.resolve()) for path in paths]
    for path in added:
        if os.pathsep in path:
            raise InvalidRequest(
                f"the path of a plugin must not contain {os.pathsep!r}, got {path}; rename or move the file"
            )
    os.environ[VARIABLE] = os.pathsep.join(dict.fromkeys([*known, *added]))


def named_files() -> list[Path]:
    """Return the plugin files that are named."""
    return [Path(path) for path in os.environ.get(VARIABLE, "").split(os.pathsep) if path]


def load() -> None:
    """Import every plugin that is named; one that is here already is not imported again.

    Raises:
        InvalidRequest: a plugin cannot be read or fails when it is imported.
    """
    for entry in entry_points(group=GROUP):
        _guarded(f"package {entry.value}", partial(_enter, entry))
    for path in named_files():
        _guarded(str(path), partial(_import, path))


def foreign(config: Mapping[str, Any]) -> dict[str, str]:
    """Return a hash of the plugin of every component of an arm that does not come with the project.

    It is part of what identifies a cell: a plugin that was edited is another method.
    """
    found = {}
    for slot, spec in config.items():
        if isinstance(spec, Mapping) and "name" in spec:
            code = _hash(lookup(slot, spec["name"]).factory.__module__)
            if code:
                found[f"{slot}.{spec['name']}"] = code
    return found


def check(content: Mapping[str, Any]) -> None:
    """Refuse to run a cell with other code of its plugins than it was planned with.

    Args:
        content: what identifies the cell, with its ``arm`` and, where it has some, its ``plugins``.

    Raises:
        InvalidRequest: a plugin was edited between the plan and its import in this process.
    """
    planned, imported = content.get("plugins", {}), foreign(content["arm"])
    changed = sorted(name for name in {**planned, **imported} if planned.get(name) != imported.get(name))
    if changed:
        raise InvalidRequest(
            "a cell must run with the code of plugins that it was planned with, and that of "
            f"{', '.join(changed)} has changed since; run the same command again"
        )


def _guarded(what: str, importing: Callable[[], None]) -> None:
    try:
        importing()
    except InvalidRequest as error:
        raise InvalidRequest(f"plugin {what}: {error}") from None
    except (Exception, SystemExit) as error:
        reason = " ".join(f"{type(error).__name__}: {error}".split())[:200]
        raise InvalidRequest(f"a plugin must be Python that can be imported, but {what}: {reason}") from None


def _enter(entry: EntryPoint) -> None:
    entry.load()
    for slot in slots():
        for found in components(slot).values():
            _hash(found.factory.__module__)


def _import(path: Path) -> None:
    name = _PREFIX + hashlib.sha256(str(path).encode()).hexdigest()[:8] + "_" + path.stem
    if name in sys.modules:
        return
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None or not path.is_file():
        raise InvalidRequest("there is no Python file of that name; check the path")
    module = importlib.util.module_from_spec(spec)
    before = set(sys.modules)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    folder = path.resolve().parent
    own = _own(module, set(sys.modules) - before, folder)
    code = _digest((file.relative_to(folder).as_posix(), file) for file in own.values())
    for member in own:
        _HASHES.setdefault(member, code)


def _hash(name: str) -> str | None:
    """Return the hash of the plugin that a module is of, or None for the project's own and for no file."""
    top = name.partition(".")[0]
    if top == "models" or top == "bench":
        return None
    if name not in _HASHES:
        package = sys.modules.get(top, sys.modules[name])
        file = getattr(package, "__file__", None)
        if hasattr(package, "__path__"):
            roots = [Path(root) for root in package.__path__]
            files = [
                (path.relative_to(root).as_posix(), path) for root in roots for path in root.rglob("*.py")
            ]
        elif file:
            files = [(Path(file).name, Path(file))]
        else:
            return None
        _HASHES[name] = _digest(files)
    return _HASHES[name]


def _digest(files: Iterable[tuple[str, Path]]) -> str:
    lines = sorted(f"{name}\0{hashlib.sha256(path.read_bytes()).hexdigest()}\n" for name, path in files)
    return hashlib.sha256("".join(lines).encode()).hexdigest()[:16]


def _own(plugin: ModuleType, brought: Iterable[str], folder: Path) -> dict[str, Path]:
    """Return the modules that are a plugin file's own, with their files.

    They are those that importing it brought, and, since another plugin may have brought a helper
    before, those that its source names; of its folder or below.
    """
    found: dict[str, Path] = {}
    waiting = [plugin.__name__, *brought]
    while waiting:
        name = waiting.pop()
        module = sys.modules.get(name)
        file = getattr(module, "__file__", None)
        if module is None or name in found or not isinstance(file, str):
            continue
        path = Path(file).parent.resolve() / Path(file).name
        if module is plugin or (Path(file).is_absolute() and _is_theirs(path, folder)):
            found[name] = path
            waiting += _named(module, path)
    return found


def _is_theirs(path: Path, folder: Path) -> bool:
    if not path.is_relative_to(folder) or any(path.is_relative_to(other) for other in _NOT_THEIRS):
        return False
    return path.is_file() and not _INSTALLED & set(path.relative_to(folder).parts)


def _named(module: ModuleType, path: Path) -> set[str]:
    """Return the modules that the source of a module imports by name, and the packages they are in."""
    names = set()
    for node in ast.walk(ast.parse(path.read_bytes())) if path.suffix == ".py" else ():
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            with contextlib.suppress(ImportError):  # a relative import that is tried outside a package
                asked = "." * node.level + (node.module or "")
                base = importlib.util.resolve_name(asked, module.__package__ or "")
                names |= {base, *(f"{base}.{alias.name}" for alias in node.names)}
    return {
        ".".join(parts[:n]) for parts in (name.split(".") for name in names) for n in range(1, len(parts) + 1)
    }
