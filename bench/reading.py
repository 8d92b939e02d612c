"""Reading YAML as data only: no Python objects, no key twice, errors in one sentence."""

from __future__ import annotations

import copy
import re
from pathlib import Path
from typing import Any

import yaml

from models.errors import InvalidRequest


class _Loader(yaml.SafeLoader):
    """A safe loader that refuses a key written twice, which YAML would silently let win."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        """Build a mapping, refusing repeated and non-string keys."""
        seen: set[str] = set()
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=True)
            if not isinstance(key, str):
                raise InvalidRequest(
                    f"line {key_node.start_mark.line + 1}: a key must be text, got {key!r}; quote it"
                )
            if key in seen:
                raise InvalidRequest(
                    f"line {key_node.start_mark.line + 1}: a key may stand once, got {key!r} twice"
                )
            seen.add(key)
        return super().construct_mapping(node, deep=deep)


# YAML 1.1 takes 1e-3 for text; everyone who writes it means a number.
_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float",
    re.compile(r"^[-+]?[0-9][0-9_]*(\.[0-9_]*)?[eE][-+]?[0-9]+$"),
    list("-+0123456789"),
)
# Dates and numbers that do not exist are ValueErrors, mappings nested without end RecursionErrors.
_BROKEN = (yaml.YAMLError, ValueError, RecursionError)


def load_yaml(path: Path) -> dict[str, Any]:
    """Return the mapping in a YAML file.

    Raises:
        InvalidRequest: no such file, not YAML, a tag that would build an object, a key twice, or
            not a mapping.
    """
    if not path.is_file():
        raise InvalidRequest(f"a study must be a file, and there is none at {path}; see ablations/")
    try:
        value = yaml.load(path.read_text(encoding="utf-8"), Loader=_Loader)  # noqa: S506 (a SafeLoader)
    except InvalidRequest as error:
        raise InvalidRequest(f"{path}, {error}") from None
    except _BROKEN as error:
        reason = " ".join(str(error).split())[:200] or type(error).__name__
        raise InvalidRequest(f"{path} must be plain YAML without tags, but: {reason}") from None
    if not isinstance(value, dict):
        raise InvalidRequest(
            f"{path} must hold a mapping of keys, got {type(value).__name__}; write lines like 'name: value'"
        )
    return value


def overridden(raw: dict[str, Any], settings: tuple[str, ...]) -> dict[str, Any]:
    """Return a copy with dotted ``key=value`` settings applied; values are read as YAML.

    >>> overridden({"budget": {"epochs": 6}}, ("budget.epochs=2", "seeds=3"))
    {'budget': {'epochs': 2}, 'seeds': 3}
    """
    changed = copy.deepcopy(raw)
    for setting in settings:
        key, sign, text = setting.partition("=")
        if not sign or not key:
            raise InvalidRequest(f"a setting must read key=value, got {setting!r}; write --set seeds=4")
        try:
            value = yaml.load(text, Loader=_Loader)
        except InvalidRequest as error:
            raise InvalidRequest(f"--set {setting}: {error}") from None
        except _BROKEN:
            raise InvalidRequest(
                f"the value of a setting must be plain YAML, got {setting!r}; quote it"
            ) from None
        *parents, last = key.split(".")
        node = changed
        for parent in parents:
            below = node.get(parent)
            below = {"name": below} if isinstance(below, str) else below
            node[parent] = below = {} if below is None else below
            if not isinstance(below, dict):
                raise InvalidRequest(f"--set {setting}: {parent!r} holds {below!r}, which has no keys")
            node = below
        node[last] = value
    return changed
