"""Components from elsewhere: from installed packages, and from single files.

An installed package names its module under the entry point group ``precursor.components``; a file is
named on the command line (``--plugin my_loss.py``). Importing either registers its components, which
then work like those that come with the project. Workers find the files by the environment variable.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import sys
from collections.abc import Iterable, Mapping
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

from models.errors import InvalidRequest
from models.registry import lookup

GROUP = "precursor.components"
VARIABLE = "PRECURSOR_PLUGINS"
_PREFIX = "precursor_plugin_"


def name_files(paths: Iterable[Path]) -> None:
    """Name plugin files, for this process and for those it starts; before the catalogue is imported."""
    known = [path for path in os.environ.get(VARIABLE, "").split(os.pathsep) if path]
    added = [str(path.resolve()) for path in paths]
    os.environ[VARIABLE] = os.pathsep.join(dict.fromkeys([*known, *added]))


def load() -> None:
    """Import every plugin that is named; one that is here already is not imported again.

    Raises:
        InvalidRequest: a plugin cannot be read or fails when it is imported.
    """
    for entry in entry_points(group=GROUP):
        _guarded(f"package {entry.value}", entry.load)
    for path in os.environ.get(VARIABLE, "").split(os.pathsep):
        if path:
            _guarded(path, lambda path=path: _import(Path(path)))


def foreign(config: Mapping[str, Any]) -> dict[str, str]:
    """Return a hash of the code of every component of an arm that does not come with the project.

    It is part of what identifies a cell: a plugin that was edited is another method.
    """
    found = {}
    for slot, spec in config.items():
        if isinstance(spec, Mapping) and "name" in spec:
            module = sys.modules[lookup(slot, spec["name"]).factory.__module__]
            if module.__name__.partition(".")[0] != "models" and module.__file__:
                code = Path(module.__file__).read_bytes()
                found[f"{slot}.{spec['name']}"] = hashlib.sha256(code).hexdigest()[:16]
    return found


def _guarded(what: str, importing: Any) -> None:
    try:
        importing()
    except InvalidRequest as error:
        raise InvalidRequest(f"plugin {what}: {error}") from None
    except Exception as error:
        reason = " ".join(f"{type(error).__name__}: {error}".split())[:200]
        raise InvalidRequest(f"a plugin must be Python that can be imported, but {what}: {reason}") from None


def _import(path: Path) -> None:
    name = _PREFIX + hashlib.sha256(str(path).encode()).hexdigest()[:8] + "_" + path.stem
    if name in sys.modules:
        return
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None or not path.is_file():
        raise InvalidRequest("there is no Python file of that name; check the path")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
