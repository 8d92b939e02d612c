"""Identity is content: canonical JSON and the keys made from it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from functools import cache
from typing import Any


def canonical(value: Any) -> str:
    """Return the one JSON text of a value: sorted keys, no spaces, no NaN.

    >>> canonical({"b": 1, "a": [1.5, None]})
    '{"a":[1.5,null],"b":1}'
    """
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)


def key(value: Any, length: int = 16) -> str:
    """Return the first ``length`` hexadecimal digits of the SHA-256 of the canonical text."""
    return _digits(canonical(value), length)


def key_of_parts(parts: Mapping[str, str], length: int = 16) -> str:
    """Return the key of a mapping whose values are canonical texts already, as thousands of cells share them.

    >>> key_of_parts({"b": canonical(1), "a": canonical([2])}) == key({"a": [2], "b": 1})
    True
    """
    return _digits("{" + ",".join(f"{_name(name)}:{parts[name]}" for name in sorted(parts)) + "}", length)


@cache
def _name(name: str) -> str:
    return canonical(name)


def _digits(text: str, length: int) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:length]
