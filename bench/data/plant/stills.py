"""Pictures that are not a film: a folder of images, or one NPY array."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from models.errors import InvalidRequest

IMAGES = (".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff")
GREY = ("L", "1")
#: Sixteen bits a pixel would have to be scaled, and by what is the owner's choice.
DEEP = ("I", "I;16", "I;16B", "I;16L", "F")


class Images:
    """Images of a folder in the order of the numbers in their names, or as ``files`` lists them.

    Raises:
        InvalidRequest: there is none, one is no image, has 16 bits a pixel or another size.
    """

    times: NDArray[np.float64] | None = None

    def __init__(self, folder: Path, files: Sequence[str] | None = None) -> None:
        self.path = folder
        if files is None:
            found = [path for path in folder.iterdir() if path.suffix.lower() in IMAGES]
            self.files = sorted(found, key=lambda path: _natural(path.name))
        else:
            self.files = [folder / name for name in files]
        missing = next((path for path in self.files if not path.is_file()), None)
        if missing is not None or not self.files:
            raise InvalidRequest(
                f"{folder} must hold images ({', '.join(IMAGES)}), and "
                f"{'has none' if missing is None else f'{missing.name} is missing'}; copy them"
            )
        self.count = len(self.files)
        self._grey = False
        first = self._read(0)
        self._grey = first.shape[2] == 1
        self.shape = first.shape

    def pictures(self, wanted: Iterable[int]) -> Iterator[NDArray[np.uint8]]:
        """Yield pictures by number; see :class:`bench.data.plant.pictures.Reader`."""
        for number in wanted:
            picture = self._read(number)
            self._require_size(number, (picture.shape[1], picture.shape[0]))
            yield picture

    def require_headers(self) -> None:
        """Open every image without decoding it, which is fast.

        Raises:
            InvalidRequest: one is no image, has 16 bits a pixel or another size than the first.
        """
        for number in range(self.count):
            with self._opened(number) as image:
                self._require_size(number, image.size)

    def _require_size(self, number: int, size: tuple[int, int]) -> None:
        height, width = self.shape[:2]
        if size != (width, height):
            raise InvalidRequest(
                f"{self.files[number]} must be of the size of the first image ({width} x {height}), got "
                f"{size[0]} x {size[1]}; crop them alike"
            )

    def _read(self, number: int) -> NDArray[np.uint8]:
        with self._opened(number) as image:
            alike = image.mode in GREY if number == 0 else self._grey
            picture = np.asarray(image.convert("L" if alike else "RGB"))
        return picture if picture.ndim == 3 else picture[..., None]

    @contextmanager
    def _opened(self, number: int) -> Iterator[Image.Image]:
        path = self.files[number]
        try:
            with Image.open(path) as image:
                if image.mode in DEEP:
                    raise InvalidRequest(
                        f"{path} must have 8 bits a pixel, got mode {image.mode}; convert the images"
                    )
                yield image
        except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
            if isinstance(error, InvalidRequest):
                raise
            raise InvalidRequest(f"{path} must be an image that can be read; copy it again") from None


class Array:
    """Pictures of one NPY file, ``(pictures, height, width)`` or ``(..., 1 or 3)`` of uint8, mapped.

    Raises:
        InvalidRequest: no NPY file, or an array of another kind.
    """

    times: NDArray[np.float64] | None = None

    def __init__(self, path: Path) -> None:
        try:
            array = np.load(path, mmap_mode="r", allow_pickle=False)
        except (ValueError, OSError, EOFError):
            raise InvalidRequest(f"{path} must be a whole NPY file, and is not; save it again") from None
        shape: tuple[int, ...] = getattr(array, "shape", ())
        if getattr(array, "dtype", None) != np.uint8 or len(shape) not in (3, 4) or shape[3:] not in (
            (), (1,), (3,),
        ):  # fmt: skip
            raise InvalidRequest(
                f"{path} must hold uint8 of the shape (pictures, height, width[, 1 or 3]), got "
                f"{getattr(array, 'dtype', type(array).__name__)} {tuple(shape)}; save it so"
            )
        if not shape[0]:
            raise InvalidRequest(f"{path} must hold pictures, and has none; save it again")
        self.path = path
        self._array = array if array.ndim == 4 else array[..., None]
        self.count, self.shape = self._array.shape[0], self._array.shape[1:]

    def pictures(self, wanted: Iterable[int]) -> Iterator[NDArray[np.uint8]]:
        """Yield pictures by number; see :class:`bench.data.plant.pictures.Reader`."""
        for number in wanted:
            yield np.asarray(self._array[number])


def _natural(name: str) -> list[tuple[int, int, str]]:
    """Sort picture 10 after picture 9."""
    parts = re.split(r"(\d+)", name)
    return [(int(part.isdecimal()), int(part) if part.isdecimal() else 0, part) for part in parts]
