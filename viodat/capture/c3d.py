"""Reading a C3D file: markers in millimetres with gaps as NaN, apart from everything else the file stores.

Conventions: positions in mm in the file's own world frame, missing samples NaN, time zero at frame number 1 of the
recording. The bytes are validated first (:mod:`viodat.capture.c3d_layout`), decoded in a child process
(:mod:`viodat.capture.c3d_isolation`), and named and scaled here.

Source: The C3D File Format User Guide (Motion Lab Systems); Vicon Nexus, Qualisys, Motive and c3d.org files.
"""

from __future__ import annotations

import math
from collections.abc import Collection
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from viodat.capture.c3d_decode import RawC3D, decode
from viodat.capture.c3d_isolation import DECODE_LIMIT_S, decode_isolated
from viodat.capture.c3d_layout import C3DLayout, check_c3d
from viodat.capture.c3d_parameters import Parameters, number, numbers, texts, unsigned
from viodat.capture.c3d_points import Role, SortedPoints, sort_points
from viodat.capture.c3d_units import length_factor
from viodat.capture.markers import Analog, Event, FloatArray, MarkerTrial, Movie, Subject
from viodat.capture.measurements import from_processing, implausible

_FAR_MM = 1e5
_RATE_TOLERANCE = 1e-3


def read_c3d(
    path: str | Path,
    *,
    markers: Collection[str] | None = None,
    subject: str | None = None,
    units: str | None = None,
    isolated: bool = True,
    limit_s: float = DECODE_LIMIT_S,
) -> MarkerTrial:
    """Read one C3D file.

    Parameters
    ----------
    path
        A C3D file: Intel, DEC or MIPS byte order, integer or floating-point.
    markers
        Names of the marker set. Labelled points that it does not list and that are not computed go to ``other``.
        None takes all labelled points as markers that neither the file lists as outputs nor their names give away
        as computed.
    subject
        Whose markers, in a file of several subjects; None takes the first, and a note says so.
    units
        Unit of length (``mm``, ``cm``, ``m``) for files that state none or a wrong one.
    isolated
        Decode in a child process, so that a damaged file cannot crash or stall this one.
    limit_s
        Time limit for decoding in the child process.

    Returns
    -------
    MarkerTrial
        Positions (F, M, 3) mm in the file's world frame. A sample is missing (NaN) where its residual is
        negative, where it is exactly (0, 0, 0), and where a coordinate is not finite. Points that the file lists
        as angles, forces, moments, powers or scalars are in ``outputs`` as they are stored, zeros included.
        A file without points gives M = 0. ``notes`` says what was found and handled.

    Raises
    ------
    CaptureError
        The file is missing, no C3D file, cut short, damaged, contradicts itself, states an unknown unit or
        no rate, or does not hold ``subject``; or the decoder crashed or ran late on it.

    Notes
    -----
    Residuals are in mm, as ezc3d decodes them.

    Examples
    --------
    >>> trial = read_c3d("P05T28.c3d")                          # doctest: +SKIP
    >>> trial.labels[:2], trial.positions_mm.shape              # doctest: +SKIP
    (('LFHD', 'RFHD'), (1200, 39, 3))
    """
    path = Path(path)
    layout = check_c3d(path)
    raw = decode_isolated(path, layout, limit_s=limit_s) if isolated else decode(path, layout)
    notes = list(layout.notes)
    if layout.padded:
        raw = _without_padding(raw)
    factor, unit = 1.0, ""
    if layout.points:
        factor, unit = length_factor(path, texts(raw.parameters, "POINT", "UNITS"), units, notes)
    points = sort_points(path, raw.parameters, layout.points, markers=markers, subject=subject, notes=notes)
    invalid = (raw.residuals < 0) | ~np.isfinite(raw.points).all(axis=2)
    missing = invalid | (raw.points == 0.0).all(axis=2)
    positions = np.where(missing[:, :, None], np.nan, raw.points * factor)
    by_role = {role: [i for i, own in enumerate(points.roles) if own is role] for role in Role}
    kept = by_role[Role.MARKER]
    stored = np.where(invalid[:, :, None], np.nan, raw.points)
    trial = MarkerTrial(
        labels=tuple(points.names[i] for i in kept),
        positions_mm=np.ascontiguousarray(positions[:, kept]),
        rate_hz=layout.rate_hz,
        first_frame=layout.first_frame,
        residuals=np.where(missing[:, kept], np.nan, raw.residuals[:, kept] * factor),
        virtual=_named(points, by_role[Role.VIRTUAL], positions),
        other=_named(points, by_role[Role.OTHER], positions),
        outputs=_named(points, by_role[Role.OUTPUT], stored),
        subject=_subject(raw.parameters, points.subject, notes),
        analog=_analog(raw, layout, notes),
        events=_events(raw.parameters, notes),
        movies=_movies(raw.parameters),
        units=unit,
        point_labels=points.labels,
        source=path,
    )
    notes += _remarks(raw, points, missing, positions[:, by_role[Role.MARKER]])
    return replace(trial, notes=tuple(notes))


def _named(points: SortedPoints, indices: list[int], values: FloatArray) -> dict[str, FloatArray]:
    return {points.names[i]: np.ascontiguousarray(values[:, i]) for i in indices}


def _without_padding(raw: RawC3D) -> RawC3D:
    """Drop the empty frames at the end that fill the file's last block."""
    filled = np.flatnonzero((raw.points != 0.0).any(axis=(1, 2)) | (raw.residuals != 0.0).any(axis=1))
    frames = int(filled[-1]) + 1 if len(filled) else len(raw.points)
    samples = len(raw.analog) // max(len(raw.points), 1) * frames
    return replace(raw, points=raw.points[:frames], residuals=raw.residuals[:frames], analog=raw.analog[:samples])


def _subject(parameters: Parameters, name: str, notes: list[str]) -> Subject:
    stored = parameters.get("PROCESSING", {})
    values = {key: value for key in stored if (value := number(parameters, "PROCESSING", key)) is not None}
    measurements = from_processing(values)
    several = len([other for other in texts(parameters, "SUBJECTS", "NAMES") if other]) > 1
    if measurements and several:
        notes.append(f"its measurements (PROCESSING) do not say whose they are: they are taken as {name}'s")
    notes.extend(f"PROCESSING: {remark}" for remark in implausible(measurements))
    return Subject(name=name, measurements=measurements)


def _analog(raw: RawC3D, layout: C3DLayout, notes: list[str]) -> Analog | None:
    channels = layout.channels
    if not channels:
        return None
    rate = layout.analog_samples * layout.rate_hz
    stated = number(raw.parameters, "ANALOG", "RATE")
    if stated is not None and not math.isclose(stated, rate, rel_tol=_RATE_TOLERANCE):
        notes.append(
            f"ANALOG:RATE says {stated:g} Hz, {layout.analog_samples} samples per frame are {rate:g} Hz: "
            f"the latter is used"
        )
    return Analog(
        labels=_padded(texts(raw.parameters, "ANALOG", "LABELS"), channels),
        units=_padded(texts(raw.parameters, "ANALOG", "UNITS"), channels),
        values=np.ascontiguousarray(raw.analog),
        rate_hz=rate,
    )


def _padded(values: list[str], length: int) -> tuple[str, ...]:
    return tuple((values + [""] * length)[:length])


def _events(parameters: Parameters, notes: list[str]) -> tuple[Event, ...]:
    """EVENT:TIMES holds minutes and seconds of each event, counted from frame number 1."""
    flat = numbers(parameters, "EVENT", "TIMES")
    used = number(parameters, "EVENT", "USED")
    count = len(flat) // 2 if used is None or not math.isfinite(used) else min(unsigned(used), len(flat) // 2)
    fields = [_padded(texts(parameters, "EVENT", name), count) for name in ("LABELS", "CONTEXTS", "SUBJECTS")]
    events = []
    for index, (label, context, subject) in enumerate(zip(*fields, strict=True)):
        time_s = 60.0 * flat[2 * index] + flat[2 * index + 1]
        if math.isfinite(time_s):
            events.append(Event(label, context, time_s, subject))
        else:
            notes.append(f"event {index + 1} ({label}) has no finite time and is left out")
    return tuple(sorted(events, key=lambda event: event.time_s))


def _movies(parameters: Parameters) -> tuple[Movie, ...]:
    """POINT:MOVIE_ID and POINT:MOVIE_DELAY, in seconds, have one value per movie."""
    names, delays = texts(parameters, "POINT", "MOVIE_ID"), numbers(parameters, "POINT", "MOVIE_DELAY")
    return tuple(
        Movie(name, delay) for name, delay in zip(names, delays, strict=False) if name and math.isfinite(delay)
    )


def _remarks(raw: RawC3D, points: SortedPoints, missing: NDArray[np.bool_], markers: FloatArray) -> list[str]:
    """Say what a person who opens the file should know about its points."""
    frames, count = missing.shape
    if not count:
        return ["it holds no points"]
    remarks = []
    if frames and (raw.residuals < 0).all():
        remarks.append(
            f"every sample of its {count} points has a negative residual, which means missing: no position is left. "
            f"If the positions are good, rewrite the residuals in the recording software"
        )
    for label, where in points.repeats.items():
        held = [int((~missing[:, i]).sum()) for i in where]
        fullest = points.names[where[int(np.argmax(held))]]
        names = ", ".join(f"{points.names[i]} {n}" for i, n in zip(where, held, strict=True))
        remarks.append(
            f"label {label} occurs {len(where)} times, frames held of {frames}: {names}; the fullest is {fullest}"
        )
    finite = np.abs(markers[np.isfinite(markers)])
    if finite.size and finite.max() > _FAR_MM:
        remarks.append(
            f"a marker is {finite.max() / 1000:.4g} m from the origin: the unit is wrong "
            "(capture.toml [markers] units) or the file is damaged"
        )
    up = texts(raw.parameters, "POINT", "Y_SCREEN")
    if up and up[0] and up[0].upper() not in ("+Z", "Z"):
        remarks.append(f"it says that {up[0]} points up; viodat takes Z as up")
    return remarks
