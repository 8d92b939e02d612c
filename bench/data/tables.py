"""Files of numbers with a header: checked, read and fingerprinted; every error names its place."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bench.identity import canonical
from models.errors import InvalidRequest

#: Bytes hashed at once.
BLOCK = 2**22

#: Bytes of a file that are hashed at once.
PIECE = 2**20


def folder_with(path: Path | str | None, parts: Sequence[str], what: str) -> Path:
    """Return ``path``, or the one of its sub-folders ``parts`` that is there.

    Raises:
        InvalidRequest: no path is given or it is not a folder.
    """
    if path is None:
        raise InvalidRequest(f"dataset {what} is read from files, got no path; add dataset.path")
    folder = Path(path).expanduser()
    if not folder.is_dir():
        raise InvalidRequest(
            f"dataset.path of {what} must be a folder, got {str(path)!r}; unpack the data there"
        )
    return next((folder / part for part in parts if (folder / part).is_dir()), folder)


def require_printable(path: Path) -> None:
    """Refuse a name that no report could print: bytes that are no UTF-8, or line ends."""
    if not path.name.isprintable():
        raise InvalidRequest(
            f"{path.parent} must hold printable names in UTF-8, but has {path.name!r}; rename it"
        )


def require_columns(path: Path, columns: Sequence[str], separator: str = ",") -> None:
    """Raise :class:`InvalidRequest` unless the header of a file has the columns."""
    try:
        header = pd.read_csv(path, sep=separator, nrows=0)
    except (pd.errors.ParserError, pd.errors.EmptyDataError, UnicodeDecodeError, OSError):
        raise InvalidRequest(f"{path} must be a table with a header, got none; replace the file") from None
    missing = [name for name in columns if name not in header.columns]
    if missing:
        raise InvalidRequest(
            f"{path} must have the columns {', '.join(columns)}, but {missing[0]!r} is missing; "
            "replace the file"
        )


def read_numbers(
    path: Path,
    columns: Sequence[str],
    separator: str = ",",
    *,
    rows: slice = slice(None),
    limit: float = np.inf,
) -> NDArray[np.float64]:
    """Read columns of finite numbers, ``(rows, columns)``, in the order asked for.

    Args:
        path: the file.
        columns: names in its header.
        separator: between two fields.
        rows: which rows below the header to keep; what lies outside is not checked.
        limit: largest absolute value that is not a broken sample, in the units of the file.

    Raises:
        InvalidRequest: a kept value is no number, not finite or beyond the limit; the sentence
            names file, column and row (0 = first below the header).
    """
    try:
        table = pd.read_csv(path, sep=separator, usecols=list(columns), low_memory=False)
    except (pd.errors.ParserError, UnicodeDecodeError, OSError) as error:
        raise InvalidRequest(f"{path} must be a table, got {error}; replace the file") from None
    kept = table[list(columns)].iloc[rows]
    numbers: NDArray[np.float64] = kept.apply(pd.to_numeric, errors="coerce").to_numpy(dtype=np.float64)
    broken = np.argwhere(~(np.abs(numbers) <= limit) | ~np.isfinite(numbers))
    if len(broken):
        row, column = broken[0]
        expected = "finite numbers" if np.isinf(limit) else f"finite numbers of at most {limit:g} in size"
        raise InvalidRequest(
            f"{path} must hold {expected}, but column {columns[column]!r} has {kept.iloc[row, column]!s} "
            f"in row {kept.index[row]}; repair or leave out the file"
        )
    return numbers


def fingerprint(files: Iterable[Path], *, below: Path | None = None, **identity: object) -> str:
    """Return the SHA-256 of names and bytes of files and of what else determines the recordings.

    Args:
        files: the files, read a piece at a time.
        below: the folder that a file's name begins in; by default the one it lies in is part of its name.
        **identity: plain values.
    """
    digest = hashlib.sha256(canonical(identity).encode())
    for path in files:
        name = path.relative_to(below).as_posix() if below else f"{path.parent.name}/{path.name}"
        digest.update(f"\0{name}\0{path.stat().st_size}\0".encode())
        with path.open("rb") as handle:
            while block := handle.read(BLOCK):
                digest.update(block)
    return digest.hexdigest()
