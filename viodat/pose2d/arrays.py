"""Keypoints as arrays, from any detector: ``.npz`` and ``.json`` with the same fields.

==================  ==========================================================================================
``keypoints_px``    (N, K, 2) px, or (N, K, 3) with the confidence last; (N, P, K, 2 or 3) with several people
``layout``          name of the list of K points (:data:`viodat.pose2d.layouts.LAYOUTS`); may be absent for 33
                    points (``mediapipe33``) and 17 (``coco17``), which only one known list has
``confidence``      (N, K) or (N, P, K), optional
``pts``             (N,) int, presentation stamps in the video's time base, optional
``frame``           (N,) int, frame indices from 0, optional
``image_size_px``   (width, height), optional
==================  ==========================================================================================

Pixels of the displayed picture, x right, y down. NaN (null in JSON), (0, 0) and confidence 0 are missing.
Other fields are passed over. Pickled content is never loaded.
"""

from __future__ import annotations

import io
import math
import struct
import tokenize
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from viodat.errors import CaptureError, ConfigError
from viodat.pose2d.json_text import read_json
from viodat.pose2d.keypoints import Keypoints, checked_frames, checked_unique
from viodat.pose2d.layouts import LAYOUTS, layouts_of_size
from viodat.pose2d.people import performer
from viodat.pose2d.sources import Progress

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

_FIELDS = ("keypoints_px", "confidence", "layout", "pts", "frame", "image_size_px")
_MOST_BYTES = 1 << 30
_SAVE = "Save plain arrays: np.savez(path, keypoints_px=..., confidence=..., layout='coco17')."
# What numpy and zipfile were seen to raise, or document, for damaged files.
_DAMAGE = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    OSError,
    EOFError,
    ValueError,
    KeyError,
    TypeError,
    SyntaxError,
    NotImplementedError,
    OverflowError,
    RecursionError,
    RuntimeError,
    MemoryError,
    tokenize.TokenError,
)


class NpzSource:
    """Keypoints from a ``.npz`` file.

    Parameters
    ----------
    layout
        Name of the list of points, for files that do not say; where a file says another, that is an error.

    Raises
    ------
    ConfigError
        Unknown layout.
    """

    name: str = "npz"
    reads: Literal["video", "file"] = "file"

    def __init__(self, layout: str | None = None) -> None:
        self.layout = checked_layout(layout)

    def read(self, path: str | Path, *, progress: Progress | None = None) -> Keypoints:
        """Read the file and follow the performer.

        Raises
        ------
        CaptureError
            The file is absent, damaged, pickled, or its fields do not fit together.
        """
        path = Path(path)
        return _keypoints(_npz_fields(path), path, self.layout, progress)


class JsonSource:
    """Keypoints from one ``.json`` file with the fields of the table above.

    Parameters
    ----------
    layout
        As in :class:`NpzSource`.

    Raises
    ------
    ConfigError
        Unknown layout.
    """

    name: str = "json"
    reads: Literal["video", "file"] = "file"

    def __init__(self, layout: str | None = None) -> None:
        self.layout = checked_layout(layout)

    def read(self, path: str | Path, *, progress: Progress | None = None) -> Keypoints:
        """Read the file and follow the performer.

        Raises
        ------
        CaptureError
            The file is absent, not JSON, or its fields do not fit together.
        """
        path = Path(path)
        content = read_json(path, most_bytes=_MOST_BYTES)
        if not isinstance(content, dict):
            raise CaptureError(
                f"holds a {type(content).__name__}; expected an object with the field keypoints_px",
                where=path,
            )
        return _keypoints(
            {k: v for k, v in content.items() if k in _FIELDS and v is not None}, path, self.layout, progress
        )


def checked_layout(layout: str | None) -> str | None:
    """Give the name back if it is None or a known layout.

    Raises
    ------
    ConfigError
        Otherwise.
    """
    if layout is not None and layout not in LAYOUTS:
        raise ConfigError(f"there is no layout {layout!r}", mend=f"Choose one of {', '.join(LAYOUTS)}.")
    return layout


def _npz_fields(path: Path) -> dict[str, Any]:
    try:
        with path.open("rb") as file:
            head = file.read(4)
        if head[:1] == b"\x80":
            raise CaptureError("is a pickle; pickles are not loaded, they can run code", where=path, mend=_SAVE)
        with zipfile.ZipFile(path) as archive:
            members = {info.filename.removesuffix(".npy"): info for info in archive.infolist()}
            return {name: _array(archive, members[name], name, path) for name in _FIELDS if name in members}
    except CaptureError:
        raise
    except FileNotFoundError as error:
        raise CaptureError("there is no such file", where=path) from error
    except _DAMAGE as error:
        reason = str(error) or type(error).__name__
        raise CaptureError(f"is not an intact .npz ({reason})", where=path, mend="Copy it again.") from error


def _array(archive: zipfile.ZipFile, info: zipfile.ZipInfo, name: str, path: Path) -> NDArray[Any]:
    """Read one member, after its header was held against its size (numpy would allocate what it says)."""
    if info.file_size > _MOST_BYTES:
        raise CaptureError(f"{name} takes {info.file_size / 2**30:.1f} GiB; expected at most 1", where=path)
    content = archive.read(info)
    stream = io.BytesIO(content)
    version = npy.read_magic(stream)
    header = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
    shape, _, dtype = header(stream)
    if dtype.hasobject:
        raise CaptureError(
            f"{name} holds pickled objects; they are not loaded, they can run code", where=path, mend=_SAVE
        )
    if math.prod(shape) * dtype.itemsize != len(content) - stream.tell():
        raise CaptureError(f"{name} says shape {shape}, its data have another size", where=path)
    stream.seek(0)
    return np.asarray(npy.read_array(stream, allow_pickle=False))


def _keypoints(fields: Mapping[str, Any], path: Path, layout: str | None, progress: Progress | None) -> Keypoints:
    if "keypoints_px" not in fields:
        raise CaptureError("has no field keypoints_px", where=path, mend=_SAVE)
    points = _floats(fields["keypoints_px"], "keypoints_px", path)
    if points.ndim == 3:
        points = points[:, None]
    if points.ndim != 4 or points.shape[-1] not in (2, 3):
        raise CaptureError(
            f"keypoints_px has shape {np.shape(fields['keypoints_px'])}; expected (N, K, 2), (N, K, 3) or "
            "(N, P, K, 2 or 3)",
            where=path,
            mend=_SAVE,
        )
    rows = points.shape[0]
    rated = points[..., 2] if points.shape[-1] == 3 else None
    if "confidence" in fields:
        rated = _floats(fields["confidence"], "confidence", path)
        rated = rated[:, None] if rated.ndim == 2 else rated
        if rated.shape != points.shape[:3]:
            raise CaptureError(
                f"confidence has shape {np.shape(fields['confidence'])}, keypoints_px "
                f"{np.shape(fields['keypoints_px'])}",
                where=path,
                mend="Give one confidence for each point.",
            )
    numbers: dict[str, IntArray | None] = {}
    for name in ("pts", "frame"):
        numbers[name] = _whole(fields[name], name, (rows,), path) if name in fields else None
    if numbers["frame"] is not None:
        checked_frames(numbers["frame"], where=path)
    if numbers["pts"] is not None:
        checked_unique(numbers["pts"], where=path, what="pts")
    size = _whole(fields["image_size_px"], "image_size_px", (2,), path) if "image_size_px" in fields else None
    if size is not None and not (size.min() > 0 and size.max() <= 1 << 15):
        raise CaptureError(f"image_size_px is {size.tolist()}; expected (width, height)", where=path)
    named = _layout(fields.get("layout"), points.shape[2], path, layout)
    if progress is not None:
        progress(rows, rows)
    return performer(
        points[..., :2],
        rated,
        named,
        where=path,
        source=path.name,
        pts=numbers["pts"],
        frame=numbers["frame"],
        image_size_px=None if size is None else (int(size[0]), int(size[1])),
        notes=() if rated is not None else ("the file states no confidences",),
    )


def _layout(stated: Any, count: int, path: Path, asked: str | None) -> str:
    possible = layouts_of_size(count)
    listed = ", ".join(f"{name} ({len(known.points)} points)" for name, known in LAYOUTS.items())
    if stated is not None:
        text = stated.item() if isinstance(stated, np.ndarray) and stated.size == 1 else stated
        if not isinstance(text, str) or text not in LAYOUTS:
            raise CaptureError(f"there is no layout {text!r}", where=path, mend=f"Known: {listed}.")
        if asked is not None and asked != text:
            raise CaptureError(f"says layout {text}, {asked} was asked for", where=path, mend="Leave the option out.")
        asked = text
    if asked is None:
        if len(possible) != 1:
            raise CaptureError(
                f"{count} points and no field layout"
                + (f": they could be {' or '.join(possible)}" if possible else ""),
                where=path,
                mend=f"Add the field layout. Known: {listed}.",
            )
        return possible[0]
    if asked not in possible:
        raise CaptureError(
            f"{count} points; layout {asked} has {len(LAYOUTS[asked].points)}",
            where=path,
            mend=f"Known: {listed}.",
        )
    return asked


def _floats(value: Any, name: str, path: Path) -> FloatArray:
    try:
        if isinstance(value, np.ndarray) and value.dtype.kind not in "iuf":
            raise TypeError(f"its type is {value.dtype}")
        array = np.array(value, dtype=np.float64)
    except (TypeError, ValueError, OverflowError) as error:
        raise CaptureError(
            f"{name} is not an array of numbers ({error})", where=path, mend="Rows must be equally long."
        ) from error
    if array.size == 0:
        raise CaptureError(f"{name} is empty", where=path, mend="Leave the file out if it holds nothing.")
    return array


def _whole(value: Any, name: str, shape: tuple[int, ...], path: Path) -> IntArray:
    array = _floats(value, name, path)
    if array.shape != shape or not np.isfinite(array).all() or (np.abs(array) > 2**53).any():
        raise CaptureError(
            f"{name} has shape {array.shape} or values that are not whole; expected {shape} integers",
            where=path,
        )
    if (array != np.rint(array)).any():
        raise CaptureError(f"{name} holds fractions; expected integers", where=path)
    return array.astype(np.int64)
