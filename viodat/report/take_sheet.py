"""The take sheet: one A4 page, PNG and SVG, from which a person judges one trial in half a minute.

On it: height over time of the arm and leg joints, the gaps of the markers, the sound and its pitch, a picture
of each camera with the projected and the detected joints, how each joint was determined, each device's clock,
and in plain sentences what is missing. Times are seconds on the mocap clock (zero is frame number 1 of the
recording), lengths mm in the world frame of the markers (Z up), pixels those of the pictures given;
missing is NaN. The sheet is drawn from plain values, whoever computed them, and the same values give the same
bytes.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from viodat.joints import JOINTS
from viodat.report import panels, sheet_tables
from viodat.report.skeleton import Image
from viodat.report.style import (
    A4_LANDSCAPE_IN,
    HEADING_PT,
    INK,
    LEFT,
    LINE_IN,
    QUIET,
    RIGHT,
    TEXT_PT,
    axes_at,
    fit,
    new_figure,
    save_figure,
    text_width,
    viodat_style,
    write,
)
from viodat.report.thumbnails import draw_tile, median_distance_px
from viodat.report.wording import count, duration, printable

FloatArray = NDArray[np.float64]

MOST_TILES: Final = 6

_MARGIN: Final = 0.45
_TOP: Final = 0.95
_AXIS_LEFT: Final = 1.02
_LABELS: Final = 0.92
_BETWEEN: Final = 0.34
_GAP_ROW: Final = 0.118
_SOUND: Final = 0.62
_PITCH: Final = 0.55
_LEAST_HEIGHTS: Final = 1.75
_PICTURES: Final = 3.5
_STRIP: Final = LINE_IN * sheet_tables.STRIP_LINES + 0.28
_STRIP_TOP: Final = A4_LANDSCAPE_IN[1] - 0.42 - _STRIP
_CAPTION: Final = 0.36
_TILE_DPI: Final = 300


@dataclass(frozen=True)
class SheetAudio:
    """Sound of one recording: (S,) mono samples, full scale 1; the first at ``start_s``, mocap clock."""

    samples: NDArray[np.floating]
    rate_hz: float
    start_s: float
    recording: str = ""


@dataclass(frozen=True)
class SheetPitch:
    """Fundamental frequency: (N,) s on the mocap clock and (N,) Hz, NaN in unvoiced frames."""

    times_s: FloatArray
    f0_hz: FloatArray


@dataclass(frozen=True)
class SheetRecording:
    """One device's file.

    Its clock offset in s, and in ms the standard deviation of the time of its pictures, without pictures of its sound,
    at the worse end of the trial (not of the offset alone: drift and skew are in it); None where unknown.
    """

    recording: str
    device: str
    offset_s: float | None
    sigma_ms: float | None
    status: str


@dataclass(frozen=True)
class Thumbnail:
    """One picture of one recording.

    Attributes
    ----------
    recording
        Recording id.
    image
        (H, W, 3) uint8, RGB.
    truth_px, detected_px
        (18, 2) px of ``image``, NaN where missing: joints projected from 3D, and found by a detector.
    time_s
        Time of the picture on the mocap clock, None if unknown.
    scale
        Pixels of ``image`` per pixel of the video: below 1 if the picture was shrunk. Distances are written in
        pixels of the video.
    """

    recording: str
    image: Image
    truth_px: FloatArray
    detected_px: FloatArray
    time_s: float | None = None
    scale: float = 1.0


@dataclass(frozen=True)
class TakeSheet:
    """What a take sheet shows.

    Attributes
    ----------
    trial, participant, split
        Ids and the name of the split.
    seconds
        Duration of the trial.
    times_s
        (F,) s, increasing, F >= 1.
    joints_mm
        (F, 18, 3) mm, world frame, NaN where a joint is not determined.
    methods
        18 names of the method that found each joint; empty for a joint that none found.
    markers
        M marker labels; none if the joints come from a markerless system.
    marker_valid
        (F, M) bool, False in gaps.
    audio, pitch
        Best sound of the trial and its fundamental frequency, None if there is none that has a place in time.
    recordings
        Every device's file.
    thumbnails
        One per camera; the first six are shown.
    notes
        Sentences: what is missing and why.
    provenance
        Versions and input files, for the last line.
    sigma_mm
        18 standard deviations in mm, median over frames, NaN where none is known; empty if none is.
    sounds
        How many sounds the trial has, with a place in time or without.

    Raises
    ------
    ValueError
        If an array has another shape than stated here.
    """

    trial: str
    participant: str
    split: str
    seconds: float
    times_s: FloatArray
    joints_mm: FloatArray
    methods: tuple[str, ...]
    markers: tuple[str, ...]
    marker_valid: NDArray[np.bool_]
    audio: SheetAudio | None = None
    pitch: SheetPitch | None = None
    recordings: tuple[SheetRecording, ...] = ()
    thumbnails: tuple[Thumbnail, ...] = ()
    notes: tuple[str, ...] = ()
    provenance: str = ""
    sigma_mm: tuple[float, ...] = ()
    sounds: int = 0

    def __post_init__(self) -> None:
        frames, joints = len(self.times_s), len(JOINTS)
        found_and_expected = [
            ("times_s", self.times_s.shape, (max(frames, 1),)),
            ("joints_mm", self.joints_mm.shape, (frames, joints, 3)),
            ("methods", (len(self.methods),), (joints,)),
            ("sigma_mm", (len(self.sigma_mm) or joints,), (joints,)),
            ("marker_valid", self.marker_valid.shape, (frames, len(self.markers))),
        ]
        if self.audio is not None:
            found_and_expected.append(("audio.samples", self.audio.samples.shape, (self.audio.samples.size,)))
        if self.pitch is not None:
            found_and_expected.append(("pitch.f0_hz", self.pitch.f0_hz.shape, self.pitch.times_s.shape))
        for tile in self.thumbnails:
            found_and_expected.append(("thumbnail.truth_px", tile.truth_px.shape, (joints, 2)))
            found_and_expected.append(("thumbnail.detected_px", tile.detected_px.shape, (joints, 2)))
        for name, found, expected in found_and_expected:
            if found != expected:
                raise ValueError(f"{name}: expected shape {expected}, got {found}")


def draw_take_sheet(sheet: TakeSheet, png: Path, svg: Path | None = None) -> None:
    """Draw a take sheet and write it.

    Parameters
    ----------
    sheet
        What to show.
    png
        Destination, 2338 x 1654 pixels (A4 landscape at 200 dots per inch). Written atomically.
    svg
        Destination of the same page as a vector graphic, if wanted.
    """
    with viodat_style():
        figure = new_figure()
        _write_header(figure, sheet)
        _draw_time_panels(figure, sheet)
        if sheet.thumbnails:
            _draw_pictures(figure, sheet.thumbnails)
        _write_strip(figure, sheet)
        save_figure(figure, png)
        if svg is not None:
            save_figure(figure, svg)
        figure.clear()


def _write_header(figure: Figure, sheet: TakeSheet) -> None:
    trial = fit(printable(sheet.trial), 5.0, 15)
    write(figure, _MARGIN, 0.56, trial, size=15, weight="bold")
    frames = len(sheet.times_s)
    facts = [
        f"participant {printable(sheet.participant, 40)}" if sheet.participant else "",
        f"split {printable(sheet.split, 20)}" if sheet.split else "",
        duration(sheet.seconds),
        count(frames, "frame"),
        f"{(frames - 1) / (sheet.times_s[-1] - sheet.times_s[0]):.4g} Hz" if frames > 1 else "",
        count(len(sheet.markers), "marker") if sheet.markers else "no markers",
    ]
    beside = _MARGIN + text_width(trial, 15, "bold") + 0.18
    write(figure, beside, 0.56, " · ".join(fact for fact in facts if fact), size=9, colour=QUIET)


def _draw_time_panels(figure: Figure, sheet: TakeSheet) -> None:
    step = float(np.median(np.diff(sheet.times_s))) if len(sheet.times_s) > 1 else 1.0
    span = float(sheet.times_s[0]) - step / 2, float(sheet.times_s[-1]) + step / 2
    rows = panels.gap_rows(sheet.marker_valid)
    absent = _absent_panels(sheet, span, rows.size)
    sound = _SOUND if "Sound" not in absent else 0.0
    pitch = _PITCH if sheet.pitch is not None and "Pitch" not in absent else 0.0

    space = _STRIP_TOP - 0.5 - _TOP - len(absent) * 0.2 - 0.08 * bool(absent)
    taken = sum(height + _BETWEEN for height in (sound, pitch) if height)
    shown = rows[: max(5, int((space - taken - _LEAST_HEIGHTS - _BETWEEN) / _GAP_ROW))]
    gaps = len(shown) * _GAP_ROW
    heights = space - taken - (gaps + _BETWEEN if gaps else 0.0) if "Joint height" not in absent else 0.0

    width = A4_LANDSCAPE_IN[0] - _AXIS_LEFT - _LABELS - _MARGIN + 0.1
    if sheet.thumbnails:
        width -= _PICTURES - 0.02
    top, drawn = _TOP, []

    def place(height: float) -> Axes:
        nonlocal top
        axes = axes_at(figure, _AXIS_LEFT, top, width, height)
        axes.set_xlim(*span)
        top += height + _BETWEEN
        drawn.append(axes)
        return axes

    marks = [tile.time_s for tile in sheet.thumbnails[:MOST_TILES] if tile.time_s is not None]
    if heights:
        panels.draw_heights(place(heights), sheet.times_s, sheet.joints_mm, marks)
    if gaps:
        panels.draw_gaps(place(gaps), sheet.times_s, sheet.markers, sheet.marker_valid, shown, rows.size)
    if sheet.audio is not None and sound:
        audio = sheet.audio
        panels.draw_sound(place(sound), audio.samples, audio.rate_hz, audio.start_s, span, audio.recording)
    if sheet.pitch is not None and pitch:
        panels.draw_pitch(place(pitch), sheet.pitch.times_s, sheet.pitch.f0_hz, span)
    for axes in drawn[:-1]:
        axes.tick_params(axis="x", labelbottom=False)
    if drawn:
        drawn[-1].set_xlabel("time on the mocap clock (s)", labelpad=2)
        figure.align_ylabels(drawn)

    line = top - _BETWEEN + 0.57 if drawn else _TOP
    for title, text in absent.items():
        write(figure, _AXIS_LEFT, line, title, size=HEADING_PT, weight="bold")
        write(figure, _AXIS_LEFT + text_width(title, HEADING_PT, "bold") + 0.1, line, text, colour=QUIET)
        line += 0.2


def _absent_panels(sheet: TakeSheet, span_s: tuple[float, float], markers_with_gaps: int) -> dict[str, str]:
    """For each panel that has nothing to draw, by its title: a sentence that says why."""
    absent: dict[str, str] = {}
    if not panels.has_heights(sheet.joints_mm):
        absent["Joint height"] = "No arm or leg joint is determined in any frame of this trial."
    markers, frames = len(sheet.markers), len(sheet.times_s)
    if markers == 0:
        absent["Marker gaps"] = "This trial has no markers: its joints were read by name."
    elif markers_with_gaps == 0:
        every = f"its {markers:,} markers are" if markers > 1 else "its marker is"
        where = f"in all {count(frames, 'frame')}" if frames > 1 else "in its one frame"
        absent["Marker gaps"] = f"None: {every} present {where}."
    audio, pitch = sheet.audio, sheet.pitch
    if audio is None:
        absent["Sound"] = _no_sound(sheet.sounds)
    elif audio.start_s >= span_s[1] or audio.start_s + len(audio.samples) / audio.rate_hz <= span_s[0]:
        which = printable(audio.recording, 40) or "this trial"
        absent["Sound"] = f"The sound of {which} does not overlap the markers in time."
    if pitch is not None and not panels.voiced(pitch.times_s, pitch.f0_hz, span_s).any():
        absent["Pitch"] = "No voiced frame during this trial."
    return absent


def _no_sound(sounds: int) -> str:
    if not sounds:
        return "This trial has no sound."
    if sounds == 1:
        return "The clock of its one sound is not known, so it has no place in time."
    return f"The clock of the best of its {sounds:,} sounds is not known, so it has no place in time."


def _draw_pictures(figure: Figure, thumbnails: tuple[Thumbnail, ...]) -> None:
    shown = thumbnails[:MOST_TILES]
    columns = {1: 1, 2: 1, 3: 2, 4: 2}.get(len(shown), 2)
    rows = -(-len(shown) // columns)
    left = A4_LANDSCAPE_IN[0] - _MARGIN - _PICTURES + 0.3
    width = (_PICTURES - 0.3 - (columns - 1) * 0.1) / columns
    height = (_STRIP_TOP - 0.12 - _TOP) / rows - _CAPTION
    _write_picture_key(figure, left, len(thumbnails) - len(shown))
    for place, tile in enumerate(shown):
        x = left + (place % columns) * (width + 0.1)
        y = _TOP + (place // columns) * (height + _CAPTION)
        axes = axes_at(figure, x, y, width, height)
        picture = draw_tile(
            tile.image, tile.truth_px, tile.detected_px, (round(width * _TILE_DPI), round(height * _TILE_DPI))
        )
        axes.imshow(picture, interpolation="antialiased", aspect="auto")
        axes.set_axis_off()
        when = "" if tile.time_s is None else f" · {tile.time_s:.2f} s".replace("-", "−")
        write(figure, x, y + height + 0.12, fit(printable(tile.recording) + when, width))
        distance = median_distance_px(tile.truth_px, tile.detected_px)
        if distance is not None:
            apart = f"median {distance / tile.scale:.1f} px apart"
            write(figure, x, y + height + 0.12 + LINE_IN, fit(apart, width), colour=QUIET)


def _write_picture_key(figure: Figure, left: float, hidden: int) -> None:
    top = _TOP - 0.06
    write(figure, left, top, "Cameras", size=HEADING_PT, weight="bold")
    at = left + text_width("Cameras", HEADING_PT, "bold") + 0.08
    words = [("projected", QUIET), ("left", LEFT), ("right", RIGHT), ("· detected", QUIET), ("yellow", INK)]
    if hidden:
        words.append((f"· {hidden} not shown", QUIET))
    for word, colour in words:
        write(figure, at, top, word, colour=colour)
        at += text_width(word, TEXT_PT) + 0.045


def _write_strip(figure: Figure, sheet: TakeSheet) -> None:
    top = _STRIP_TOP + 0.2
    page = A4_LANDSCAPE_IN[0] - 2 * _MARGIN
    joints, recordings, space = 3.2, 3.35, 0.3
    notes = page - joints - recordings - 2 * space
    sheet_tables.write_joints(figure, _MARGIN, top, joints, sheet.methods, sheet.joints_mm, sheet.sigma_mm)
    rows = [(r.recording, r.device, r.offset_s, r.sigma_ms, r.status) for r in sheet.recordings]
    sheet_tables.write_recordings(figure, _MARGIN + joints + space, top, recordings, rows)
    sheet_tables.write_notes(figure, _MARGIN + joints + recordings + 2 * space, top, notes, sheet.notes)
    foot = fit(printable(sheet.provenance), page, 6)
    write(figure, _MARGIN, A4_LANDSCAPE_IN[1] - 0.25, foot, size=6, colour=QUIET)
