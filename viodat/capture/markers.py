"""What a marker file holds, whichever format it came in: the value that ``read_c3d`` and ``read_trc`` return.

Positions are millimetres in the file's own world frame (right-handed, Z up), NaN in gaps. Time zero is frame
number 1 of the recording, which need not be the first frame of the file: a trial cropped to frames 50–100 at
100 Hz starts at 0.49 s.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from viodat.capture.axes import axes_fault, axes_matrix
from viodat.errors import CaptureError, ConfigError

FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class Subject:
    """A participant as the marker file names and measures them.

    Attributes
    ----------
    name
        As in SUBJECTS:NAMES of a C3D file or in a .vsk; empty where the file names nobody.
    measurements
        By viodat's own names (``leg_length_left_mm``, ``marker_diameter_mm``, ``thigh_rotation_left_rad`` ...;
        the list is :data:`viodat.capture.measurements.MEASUREMENTS`). Only what the file states.
    """

    name: str = ""
    measurements: Mapping[str, float] = field(default_factory=dict)

    def __iter__(self) -> Iterator[str | Mapping[str, float]]:
        """Unpack as ``name, measurements = trial.subject``."""
        return iter((self.name, self.measurements))


@dataclass(frozen=True)
class Event:
    """Something the lab marked by hand or by plate: a foot strike, a clap.

    ``time_s`` counts from frame number 1 of the recording, as in EVENT:TIMES.
    """

    label: str
    context: str
    time_s: float
    subject: str = ""


@dataclass(frozen=True)
class Analog:
    """Analog channels recorded with the markers, on the markers' clock.

    Attributes
    ----------
    labels, units
        One per channel; ``units`` as the file writes them.
    values
        (samples, channels), scaled and offset as the file says. The first sample is at the file's first frame.
    rate_hz
        Samples per second.
    """

    labels: tuple[str, ...]
    units: tuple[str, ...]
    values: FloatArray
    rate_hz: float


@dataclass(frozen=True)
class Movie:
    """A video that the recording software names (POINT:MOVIE_ID), and its delay (POINT:MOVIE_DELAY).

    Attributes
    ----------
    id
        Name of the camera or of the file.
    delay_s
        Time of the movie's first picture, s after frame number 1 of the recording.
    """

    id: str
    delay_s: float


@dataclass(frozen=True)
class MarkerTrial:
    """Markers of one trial, and what the recording software computed from them.

    Attributes
    ----------
    labels
        Names of the M markers, subject prefix removed, unique; a label that the file repeats gets ``#2``, ``#3``.
    positions_mm
        (F, M, 3) mm, world frame, NaN in gaps.
    rate_hz
        Frames per second.
    first_frame
        Number of the file's first frame, counted from 1.
    residuals
        (F, M) mm, as the file states them; NaN in gaps.
    virtual
        Positions that software computed (joint centres, segment axes, centre of mass): name -> (F, 3) mm, NaN
        where absent. Never used in a fit.
    other
        Points that are neither: unlabelled trajectories (``*7``), and, if the caller named the marker set, all
        that it does not list: name -> (F, 3) mm. Never used in a fit.
    outputs
        Angles, forces, moments, powers and scalars that the file stores as points: name -> (F, 3), in
        the file's own units, never scaled.
    subject
        The participant whose markers these are.
    analog
        Analog channels, or None.
    events
        In order of time.
    movies
        Videos that the recording software knows of.
    units
        The unit of length as the file states it; empty where it states none (then mm is assumed).
    point_labels
        Every point's label in the order and spelling of the file.
    source
        The file.
    notes
        What was found and handled while reading, one sentence each; the build report prints them.
    """

    labels: tuple[str, ...]
    positions_mm: FloatArray
    rate_hz: float
    first_frame: int
    residuals: FloatArray
    virtual: Mapping[str, FloatArray] = field(default_factory=dict)
    other: Mapping[str, FloatArray] = field(default_factory=dict)
    outputs: Mapping[str, FloatArray] = field(default_factory=dict)
    subject: Subject = field(default_factory=Subject)
    analog: Analog | None = None
    events: tuple[Event, ...] = ()
    movies: tuple[Movie, ...] = ()
    units: str = "mm"
    point_labels: tuple[str, ...] = ()
    source: Path | None = None
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        frames, markers = self.positions_mm.shape[0], len(self.labels)
        if self.positions_mm.shape != (frames, markers, 3):
            raise ValueError(
                f"positions_mm: expected shape (F, {markers}, 3) for {markers} labels, "
                f"but got {self.positions_mm.shape}"
            )
        if len(set(self.labels)) != markers:
            raise ValueError(f"labels: expected each once, but got {', '.join(self.labels)}")
        if self.residuals.shape != (frames, markers):
            raise ValueError(f"residuals: expected shape ({frames}, {markers}), got {self.residuals.shape}")

    @property
    def n_frames(self) -> int:
        """Number of frames F in the file."""
        return int(self.positions_mm.shape[0])

    @property
    def seconds(self) -> float:
        """Duration, F / rate."""
        return self.n_frames / self.rate_hz

    @property
    def start_s(self) -> float:
        """Time of the file's first frame on the mocap clock, s: zero is frame number 1 of the recording."""
        return (self.first_frame - 1) / self.rate_hz

    @property
    def times_s(self) -> FloatArray:
        """(F,) s on the mocap clock: zero is frame number 1 of the recording."""
        return (self.first_frame - 1 + np.arange(self.n_frames, dtype=np.float64)) / self.rate_hz

    @property
    def times_ns(self) -> NDArray[np.int64]:
        """(F,) int64 ns on the mocap clock: zero is frame number 1 of the recording."""
        return np.rint(self.times_s * 1e9).astype(np.int64)

    @property
    def valid(self) -> NDArray[np.bool_]:
        """(F, M) bool, False in gaps."""
        return np.asarray(np.isfinite(self.positions_mm).all(axis=-1))

    def marker(self, label: str) -> FloatArray:
        """(F, 3) mm of one marker, NaN in gaps; all NaN if the trial has no marker of that name."""
        if label in self.labels:
            return np.asarray(self.positions_mm[:, self.labels.index(label)])
        return np.full((self.n_frames, 3), np.nan)

    def renamed(self, names: Mapping[str, str]) -> MarkerTrial:
        """Rename markers: ``names`` maps a file's label to the wanted one; labels not in it stay.

        A point that was taken for no marker becomes one if it is named. A name that the file does not have is a note.

        Raises
        ------
        CaptureError
            If two markers would have one label.
        """
        trial = self._with_markers([name for name in names if name in self.virtual or name in self.other])
        labels = tuple(names.get(label, label) for label in trial.labels)
        for label in labels:
            if labels.count(label) > 1:
                sources = [old for old, new in zip(trial.labels, labels, strict=True) if new == label]
                raise CaptureError(
                    f"[markers.labels] gives {' and '.join(sources)} one name, {label}",
                    where=self.source,
                    mend="Correct capture.toml [markers.labels]: a marker has one label.",
                )
        absent = tuple(
            f"capture.toml [markers.labels] names {name}, which the file does not have"
            for name in names
            if name not in trial.labels
        )
        return replace(trial, labels=labels, notes=(*trial.notes, *absent))

    def _with_markers(self, names: Collection[str]) -> MarkerTrial:
        """Count virtual or other points as markers too."""
        if not names:
            return self
        points = [{**self.virtual, **self.other}[name] for name in names]
        added = np.stack(points, axis=1)
        unknown = np.full(added.shape[:2], np.nan)
        return replace(
            self,
            labels=(*self.labels, *names),
            positions_mm=np.concatenate([self.positions_mm, added], axis=1),
            residuals=np.concatenate([self.residuals, unknown], axis=1),
            virtual={name: values for name, values in self.virtual.items() if name not in names},
            other={name: values for name, values in self.other.items() if name not in names},
        )

    def turned(self, axes: str) -> MarkerTrial:
        """Turn the world: ``axes`` says which of the file's axes are the world's X, Y and Z, as in ``"zxy"``.

        Raises
        ------
        ConfigError
            If ``axes`` is not x, y and z in some order, or mirrors.
        """
        if fault := axes_fault(axes):
            raise ConfigError(f"axes {fault}", mend='Write for example axes = "zxy" or "x-zy".')
        rotation = axes_matrix(axes).T
        return replace(
            self,
            positions_mm=self.positions_mm @ rotation,
            virtual={name: points @ rotation for name, points in self.virtual.items()},
            other={name: points @ rotation for name, points in self.other.items()},
        )

    def keeping(self, labels: Collection[str]) -> MarkerTrial:
        """Keep only the named markers as markers; the rest moves to ``other``."""
        kept = [i for i, label in enumerate(self.labels) if label in labels]
        moved = {
            label: np.asarray(self.positions_mm[:, i]) for i, label in enumerate(self.labels) if label not in labels
        }
        return replace(
            self,
            labels=tuple(self.labels[i] for i in kept),
            positions_mm=np.ascontiguousarray(self.positions_mm[:, kept]),
            residuals=np.ascontiguousarray(self.residuals[:, kept]),
            other={**self.other, **moved},
        )
