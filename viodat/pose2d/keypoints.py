"""What every keypoint source gives: the 18 joints of one person in each frame of one video.

Pixels of the displayed picture, x right, y down, the centre of the top left pixel at (0, 0) (OpenCV's
convention). NaN where the detector saw nothing. A joint that a detector places outside the picture keeps its
coordinates: they are its guess, and its confidence says so. Frames are known by the video's presentation
stamp where the source has it, by their index otherwise; never by a frame rate.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from viodat.errors import CaptureError
from viodat.joints import JOINTS

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

_FARTHEST_PX = 1e5
"""No detector guesses a joint this far out; a damaged number does, and float32 columns would carry it on."""

_MOST_FRAMES = 5_000_000
"""23 hours at 60 Hz: a frame number beyond it is damage, and would ask for an array that fits nowhere."""


@dataclass(frozen=True)
class Keypoints:
    """The 18 joints of one person in N frames of one video.

    Attributes
    ----------
    px
        (N, 18, 2) px, joint order :data:`viodat.joints.JOINTS`, NaN where not seen.
    confidence
        (N, 18) in [0, 1], as the detector rates itself (what it means differs between detectors); NaN where
        not seen, and everywhere if the source states none.
    pts
        (N,) presentation stamp of each row's frame, in the video's time base; None if the source has none.
    frame
        (N,) index of each row's frame in the video, counted from 0; None if the source numbers nothing, then
        row i is frame i and there must be as many rows as frames.
    image_size_px
        (width, height) of the picture in which ``px`` counts; None if the source does not say.
    layout
        Name of the point list that the joints were taken from (:data:`viodat.pose2d.layouts.LAYOUTS`).
    source
        Where they come from, for the reader of a report: detector and model, or file.
    notes
        What was found and handled, one sentence each.
    """

    px: FloatArray
    confidence: FloatArray
    pts: IntArray | None = None
    frame: IntArray | None = None
    image_size_px: tuple[int, int] | None = None
    layout: str = "viodat18"
    source: str = ""
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        rows = self.px.shape[0]
        for name, array, shape in (
            ("px", self.px, (rows, len(JOINTS), 2)),
            ("confidence", self.confidence, (rows, len(JOINTS))),
            ("pts", self.pts, (rows,)),
            ("frame", self.frame, (rows,)),
        ):
            if array is not None and array.shape != shape:
                raise ValueError(f"{name}: expected shape {shape}, but got {array.shape}")
        if np.isfinite(self.confidence[~self.seen]).any():
            raise ValueError("confidence: a joint that is not seen (NaN) must have confidence NaN")

    @property
    def n_frames(self) -> int:
        """Number of rows N."""
        return int(self.px.shape[0])

    @property
    def seen(self) -> NDArray[np.bool_]:
        """(N, 18) True where the joint has coordinates."""
        return np.asarray(np.isfinite(self.px).all(axis=-1))

    def on_frames(self, pts: IntArray) -> Keypoints:
        """Put the rows on the frames of the video: one row per frame, NaN where the source has none.

        Parameters
        ----------
        pts
            (M,) stamps of the video's frames, increasing, in its time base.

        Returns
        -------
        Keypoints
            With M rows, ``pts`` as given and ``frame`` 0 ... M-1. Rows are matched by stamp where the source
            has stamps, else by frame index, else one to one.

        Raises
        ------
        CaptureError
            No stamp is a stamp of the video; a frame index that the video does not have; or, without either,
            another number of rows than of frames.
        """
        count = int(pts.shape[0])
        notes = list(self.notes)
        if self.pts is not None:
            known = np.isin(self.pts, pts)
            if not known.any():
                raise CaptureError(
                    f"none of the {self.n_frames} stamps (pts {_span(self.pts)}) is a stamp of the video "
                    f"(pts {_span(pts)})",
                    where=self.source or None,
                    mend="Write the stamps of this very video, in its own time base, or leave pts out and "
                    "number the frames.",
                )
            if not known.all():
                notes.append(f"{int((~known).sum())} rows bear a stamp that the video does not have: left out")
            rows, at = np.flatnonzero(known), np.searchsorted(pts, self.pts[known])
        elif self.frame is not None:
            if self.n_frames and (self.frame.min() < 0 or self.frame.max() >= count):
                raise CaptureError(
                    f"frames {_span(self.frame)} are numbered, the video has frames 0 to {count - 1}",
                    where=self.source or None,
                    mend="If the numbers start at 1, say first_frame=1; else these are another video's.",
                )
            rows, at = np.arange(self.n_frames), self.frame
        else:
            if self.n_frames != count:
                raise CaptureError(
                    f"{self.n_frames} rows for a video of {count} frames, and nothing says which is which",
                    where=self.source or None,
                    mend="Add the field pts (stamps) or frame (indices from 0).",
                )
            rows = at = np.arange(count)
        absent = count - int(rows.shape[0])
        if absent:
            notes.append(f"{absent} of {count} frames of the video have no keypoints")
        px = np.full((count, len(JOINTS), 2), np.nan)
        confidence = np.full((count, len(JOINTS)), np.nan)
        px[at], confidence[at] = self.px[rows], self.confidence[rows]
        return replace(
            self,
            px=px,
            confidence=confidence,
            pts=pts.astype(np.int64),
            frame=np.arange(count, dtype=np.int64),
            notes=tuple(notes),
        )


def cleaned(
    points_px: FloatArray, confidence: FloatArray | None, *, where: Path | str
) -> tuple[FloatArray, FloatArray, tuple[str, ...]]:
    """Mark as missing what a detector's file means by missing, and bring confidences to [0, 1].

    Parameters
    ----------
    points_px
        (..., K, 2) px as the file has them.
    confidence
        (..., K) as the file has them, or None.
    where
        The file, for messages.

    Returns
    -------
    points_px, confidence, notes
        Missing, so NaN in both: coordinates that are not finite, exactly (0, 0), or with a confidence that is
        zero or less or not finite. Confidences above 1 become 1, with a note.

    Raises
    ------
    CaptureError
        A coordinate beyond any picture (100,000 px).
    """
    points = np.array(points_px, dtype=np.float64)
    missing = ~np.isfinite(points).all(axis=-1) | (points == 0.0).all(axis=-1)
    rated = np.full(points.shape[:-1], np.nan)
    notes: tuple[str, ...] = ()
    if confidence is not None:
        rated = np.array(confidence, dtype=np.float64)
        missing |= ~np.isfinite(rated) | (rated <= 0.0)
        above = ~missing & (rated > 1.0)
        if above.any():
            notes = (f"{int(above.sum())} confidences above 1 (up to {rated[above].max():.3g}) count as 1",)
        rated = np.minimum(rated, 1.0)
    points[missing] = np.nan
    rated[missing] = np.nan
    if (np.abs(points[~missing]) > _FARTHEST_PX).any():
        far = float(np.abs(points[~missing]).max())
        raise CaptureError(
            f"a coordinate of {far:.3g} px; expected pixels of a picture",
            where=where,
            mend="Write x and y in pixels; the file may be damaged.",
        )
    return points, rated, notes


def checked_frames(numbers: IntArray, *, where: Path | str, what: str = "frame") -> IntArray:
    """Give frame indices back if they are 0 or more, unique and not absurdly large.

    Raises
    ------
    CaptureError
        Otherwise; it names the first offender.
    """
    wrong = numbers[(numbers < 0) | (numbers >= _MOST_FRAMES)]
    if wrong.size:
        raise CaptureError(
            f"{what} number {int(wrong[0])}; expected 0 to {_MOST_FRAMES - 1:,}",
            where=where,
            mend="Count the video's frames from 0 (first_frame=1 if the first is called 1).",
        )
    return checked_unique(numbers, where=where, what=f"{what} number")


def checked_unique(numbers: IntArray, *, where: Path | str, what: str) -> IntArray:
    """Give numbers back if none occurs twice.

    Raises
    ------
    CaptureError
        Otherwise; it names the first that does.
    """
    values, counts = np.unique(numbers, return_counts=True)
    if (counts > 1).any():
        raise CaptureError(
            f"{what} {int(values[counts > 1][0])} occurs {int(counts.max())} times",
            where=where,
            mend="Each frame has one row; several people go into the person axis.",
        )
    return numbers


def _span(numbers: IntArray) -> str:
    return f"{int(numbers.min())} to {int(numbers.max())}" if numbers.size else "none"
