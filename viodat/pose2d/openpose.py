"""OpenPose's output: a folder with one JSON file per frame, every detected person in each.

Format: ``people[i].pose_keypoints_2d`` is x, y, score of each point in a row (px of the picture as given to
OpenPose, origin in the top left pixel); a point that was not found is 0, 0, 0; an empty ``people`` is a frame
with nobody. Hands (``hand_left_keypoints_2d``, 21 points) are optional and give the finger joints. The number
in a file's name is the frame's, counted from 0; frames without a file are missing. Source: OpenPose, "Output
format" (BODY_25, COCO) and its BODY_25B model.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from viodat.errors import CaptureError, ConfigError
from viodat.joints import JOINTS
from viodat.pose2d.json_text import read_json
from viodat.pose2d.keypoints import Keypoints, checked_frames
from viodat.pose2d.layouts import HAND21, LAYOUTS, layouts_of_size
from viodat.pose2d.people import MOST_PEOPLE, performer
from viodat.pose2d.sources import Progress

FloatArray = NDArray[np.float64]

_NUMBER = re.compile(r"(\d{1,18})(?:_keypoints)?\.json$", re.IGNORECASE)
_BY_COUNT: Final[Mapping[int, str]] = {25: "body25", 18: "coco18"}
_READABLE = ("body25", "body25b", "coco18", "coco17")
_LARGEST_FILE_BYTES = 16 << 20


class OpenPoseSource:
    """Keypoints from a folder of OpenPose's JSON files.

    Parameters
    ----------
    layout
        The list of points. None takes it by their number: 25 is ``body25``, 18 is ``coco18``. BODY_25B has 25
        points too, in another order, which the files do not tell: say ``body25b`` for it.
    first_frame
        The number of the file that belongs to the video's first frame.

    Raises
    ------
    ConfigError
        A layout that OpenPose does not write, or a negative first frame.
    """

    name: str = "openpose"
    reads: Literal["video", "file"] = "file"

    def __init__(self, layout: str | None = None, first_frame: int = 0) -> None:
        if layout is not None and layout not in _READABLE:
            raise ConfigError(f"OpenPose writes no layout {layout!r}", mend=f"Choose one of {', '.join(_READABLE)}.")
        if first_frame < 0:
            raise ConfigError(f"first_frame is {first_frame}; expected 0 or more")
        self.layout = layout
        self.first_frame = first_frame

    def read(self, path: str | Path, *, progress: Progress | None = None) -> Keypoints:
        """Read the folder and follow the performer.

        Parameters
        ----------
        path
            The folder; its ``*.json`` files end in a frame number (or in ``<number>_keypoints.json``).
        progress
            Called with (files read, files).

        Returns
        -------
        Keypoints
            One row per file, in the order of the frame numbers, which are in ``frame``; score 0 or (0, 0) is
            missing. ``pts`` is None: OpenPose knows no stamps.

        Raises
        ------
        CaptureError
            No such folder, no numbered JSON in it, or a file that is not OpenPose's.
        """
        folder = Path(path)
        files = _numbered_files(folder)
        numbers = np.array([number for number, _ in files], dtype=np.int64) - self.first_frame
        checked_frames(numbers, where=folder)
        frames: list[list[tuple[FloatArray, FloatArray | None]]] = []
        for done, (_, file) in enumerate(files, start=1):
            frames.append(_people(file))
            if progress is not None:
                progress(done, len(files))
        count = _points_per_person(frames, files)
        layout, notes = self._layout(count, folder) if count else (self.layout or "body25", ())
        count = len(LAYOUTS[layout].points)
        most = max(len(people) for people in frames)
        points = np.full((len(frames), most, count, 3), np.nan)
        fingers = np.full((len(frames), most, len(JOINTS), 3), np.nan)
        for i, people in enumerate(frames):
            for j, (body, hands) in enumerate(people):
                points[i, j] = body
                if hands is not None:
                    fingers[i, j] = hands
        return performer(
            points[..., :2],
            points[..., 2],
            layout,
            where=folder,
            source=f"OpenPose {layout}, {folder.name}",
            frame=numbers,
            fingers=(fingers[..., :2], fingers[..., 2]) if np.isfinite(fingers).any() else None,
            notes=notes,
        )

    def _layout(self, count: int, folder: Path) -> tuple[str, tuple[str, ...]]:
        if self.layout is not None:
            expected = len(LAYOUTS[self.layout].points)
            if count != expected:
                raise CaptureError(
                    f"{count} points per person; layout {self.layout} has {expected}",
                    where=folder,
                    mend=f"Say layout={' or '.join(n for n in layouts_of_size(count) if n in _READABLE)}."
                    if any(n in _READABLE for n in layouts_of_size(count))
                    else None,
                )
            return self.layout, ()
        if count not in _BY_COUNT:
            raise CaptureError(
                f"{count} points per person; expected 25 (BODY_25, BODY_25B) or 18 (COCO)",
                where=folder,
                mend=f"Name the list with layout=, one of {', '.join(_READABLE)}.",
            )
        layout = _BY_COUNT[count]
        if layout == "body25":
            return layout, ("25 points were taken for BODY_25; if the model was BODY_25B, say layout=body25b",)
        return layout, ()


def _numbered_files(folder: Path) -> list[tuple[int, Path]]:
    if not folder.is_dir():
        raise CaptureError(
            "is not a folder; expected one JSON file per frame in a folder",
            where=folder,
            mend="Give the folder that OpenPose wrote with --write_json.",
        )
    files = []
    for file in sorted(folder.glob("*.json")):
        match = _NUMBER.search(file.name)
        if match is None:
            raise CaptureError(
                "its name has no frame number at the end",
                where=file,
                mend="Name it <anything><number>.json, or move it out of the folder.",
            )
        files.append((int(match[1]), file))
    if not files:
        raise CaptureError(
            "holds no .json file", where=folder, mend="Give the folder that OpenPose wrote with --write_json."
        )
    return sorted(files)


def _people(file: Path) -> list[tuple[FloatArray, FloatArray | None]]:
    """Give (K, 3) body and (18, 3) fingers (or None) of each person in one file."""
    content = read_json(file, most_bytes=_LARGEST_FILE_BYTES)
    people = content.get("people") if isinstance(content, dict) else None
    if not isinstance(people, list):
        raise CaptureError(
            "has no list 'people', so it is not a frame that OpenPose wrote",
            where=file,
            mend="Move it out of the folder, or write this frame again.",
        )
    if len(people) > MOST_PEOPLE:
        raise CaptureError(f"{len(people)} people in one frame; expected at most {MOST_PEOPLE}", where=file)
    found = []
    for number, person in enumerate(people):
        if not isinstance(person, dict):
            raise CaptureError(f"person {number} is not an object", where=file, mend="Write this frame again.")
        body = _triples(person.get("pose_keypoints_2d"), file, number, "pose_keypoints_2d")
        if body is None:
            continue
        hands = np.full((len(JOINTS), 3), np.nan)
        for side in ("left", "right"):
            key = f"hand_{side}_keypoints_2d"
            hand = _triples(person.get(key), file, number, key)
            if hand is None:
                continue
            if hand.shape[0] != 21:
                raise CaptureError(f"person {number}: {key} has {hand.shape[0]} points, expected 21", where=file)
            for finger, point in HAND21.items():
                hands[JOINTS.index(f"{side}_{finger}")] = hand[point]
        found.append((body, hands if np.isfinite(hands).any() else None))
    return found


def _triples(values: Any, file: Path, number: int, key: str) -> FloatArray | None:
    """Give (K, 3) x, y, score; None where the list is absent or empty."""
    if values is None or values == []:
        return None
    if not isinstance(values, list) or len(values) % 3 or any(type(v) not in (int, float) for v in values):
        raise CaptureError(
            f"person {number}: {key} is not a list of x, y, score for each point",
            where=file,
            mend="Write this frame again, or delete the file (the frame is then missing).",
        )
    try:
        return np.array(values, dtype=np.float64).reshape(-1, 3)
    except OverflowError as error:
        raise CaptureError(f"person {number}: {key} holds a number beyond any picture", where=file) from error


def _points_per_person(frames: list[list[tuple[FloatArray, FloatArray | None]]], files: list[tuple[int, Path]]) -> int:
    """Give the number that all people have; 0 if there is nobody."""
    expected = 0
    for people, (_, file) in zip(frames, files, strict=True):
        for body, _ in people:
            expected = expected or body.shape[0]
            if body.shape[0] != expected:
                raise CaptureError(
                    f"{body.shape[0]} points per person, in the files before it {expected}",
                    where=file,
                    mend="Write all frames with one model, or delete the file (the frame is then missing).",
                )
    return expected
