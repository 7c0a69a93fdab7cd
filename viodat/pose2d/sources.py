"""Where keypoints can come from: one protocol, one registry.

A source reads a path (a video for a detector; a file or folder that a detector wrote) and gives
:class:`~viodat.pose2d.keypoints.Keypoints`. To add one: write a module with a class that follows
:class:`KeypointSource`, add its entry to :data:`SOURCES`, and its sample to the contract test.
"""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final, Literal, Protocol, cast, runtime_checkable

from viodat.errors import ConfigError
from viodat.pose2d.keypoints import Keypoints

Progress = Callable[[int, int], None]
"""Called as ``progress(done, total)`` in frames (or files); ``total`` is 0 where it is not known."""


@runtime_checkable
class KeypointSource(Protocol):
    """Something that gives the 18 joints of the performer in one video.

    Attributes
    ----------
    name
        Its key in :data:`SOURCES`.
    reads
        What ``read`` takes: the ``video`` itself, or a ``file`` (or folder) of keypoints beside it.
    """

    name: str
    reads: Literal["video", "file"]

    def read(self, path: str | Path, *, progress: Progress | None = None) -> Keypoints:
        """Give the keypoints of the performer.

        Raises
        ------
        CaptureError
            The path is not there, damaged, or not of this source's kind.
        """
        ...


SOURCES: Final[Mapping[str, str]] = {
    "mediapipe": "viodat.pose2d.mediapipe:MediaPipeSource",
    "openpose": "viodat.pose2d.openpose:OpenPoseSource",
    "npz": "viodat.pose2d.arrays:NpzSource",
    "json": "viodat.pose2d.arrays:JsonSource",
    "csv": "viodat.pose2d.table:CsvSource",
}
"""Name -> ``module:class``. The module is imported when the source is first asked for."""


def create_source(name: str, **options: Any) -> KeypointSource:
    """Make a source.

    Parameters
    ----------
    name
        A key of :data:`SOURCES`.
    **options
        The keyword arguments of its class.

    Raises
    ------
    ConfigError
        Unknown source or option, or a value that the source refuses.
    MissingExtraError
        The source needs a package that is not installed.
    """
    if name not in SOURCES:
        raise ConfigError(f"there is no keypoint source {name!r}", mend=f"Choose one of {', '.join(sorted(SOURCES))}.")
    module, _, attribute = SOURCES[name].partition(":")
    factory = getattr(importlib.import_module(module), attribute)
    known = list(inspect.signature(factory).parameters)
    for option in options:
        if option not in known:
            raise ConfigError(
                f"keypoint source {name} has no option {option!r}",
                mend=f"Its options: {', '.join(known) or 'none'}.",
            )
    return cast(KeypointSource, factory(**options))


def source_for(path: str | Path, **options: Any) -> KeypointSource:
    """Make the source that reads a keypoint file or folder, chosen by its name.

    A folder is OpenPose's JSON per frame; files are told by ``.npz``, ``.json``, ``.csv``.

    Raises
    ------
    ConfigError
        No source reads such a name, or it has no such option.
    """
    path = Path(path)
    name = "openpose" if path.is_dir() else path.suffix.lower().removeprefix(".")
    if name not in ("openpose", "npz", "json", "csv"):
        raise ConfigError(
            f"{path.name}: no keypoint source reads a file of this kind",
            mend="Give .npz, .json or .csv, or a folder of OpenPose's JSON files.",
        )
    return create_source(name, **options)
