"""Quality gates: what a trial must show to be in the dataset, and a recording in training. Every limit stands here.

A gate holds a number that was measured in a trial or a recording against a limit. The numbers come from
:mod:`viodat.build.quality` and :mod:`viodat.build.clocks`; capture.toml [gates] may set another limit under the gate's
name. Limits are wide: they are to find what is broken (a
wrong unit, labels that belong to other markers, a body that is not there), not what is merely less good, which
``sigma_mm`` says of every joint in every frame. docs/science/quality_gates.md has them all in a table that is made from
this module.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Final, Literal

from viodat.capture.config_joints import GatesTable
from viodat.capture.participants import Participant

CONSENT: Final = "consent"
"""Stage of the exclusion of somebody who does not agree to be in the dataset."""

CAMERA: Final = "camera"
"""Stage of the exclusion of a recording's pictures because its camera does not stand as calibrated."""

STAGE: Final = "gates"
"""Stage of the exclusion of a trial that a gate rejects."""

CLOCKS: Final = "clocks"
"""Stage of the exclusion of a recording whose clock is not known, or not known well enough, to be trained on."""


@dataclass(frozen=True)
class Gate:
    """One number that a trial or a recording must keep to.

    Attributes
    ----------
    name
        Key of capture.toml [gates].
    sense
        Whether the number must be at least or at most ``limit``.
    limit, unit
        The number, and its unit; ``share`` is 0 to 1, empty a plain number.
    measures
        What is measured, as half a sentence.
    finds
        What a trial that fails is likely to suffer from.
    mend
        What mends it, as a sentence.
    """

    name: str
    sense: Literal["at least", "at most"]
    limit: float
    unit: str
    measures: str
    finds: str
    mend: str

    def keeps(self, value: float) -> bool:
        """Whether a value is on the right side; a number that cannot be measured (NaN) rejects nothing."""
        if math.isnan(value):
            return True
        return value >= self.limit if self.sense == "at least" else value <= self.limit

    def written(self, value: float) -> str:
        """Write a value with the gate's unit."""
        if self.unit == "share":
            return f"{value:.0%}" if value >= 0.1 or value == 0 else f"{value:.1%}"
        return f"{value:.3g} {self.unit}" if self.unit else f"{value:,.0f}"


_RELABEL: Final = "Label the trial again in the recording software, or map the labels in capture.toml [markers.labels]."

GATES: Final[Mapping[str, Gate]] = {
    gate.name: gate
    for gate in (
        Gate(
            "frames", "at least", 2, "",
            "frames of the trial",
            "a picture instead of a recording: it has no velocity, and nothing can be interpolated in it",
            "Export the whole trial.",
        ),
        Gate(
            "least_size_mm", "at least", 60, "mm",
            "distance between the markers of neighbouring segments (thigh and shank, pelvis and thorax ...; the middle "
            "of each): median over frames, then over pairs",
            "a wrong unit: metres or centimetres that the file calls mm",
            "Say which unit the file holds in capture.toml [markers] units.",
        ),
        Gate(
            "largest_size_mm", "at most", 900, "mm",
            "the same distance",
            "a wrong unit: mm that the file calls m",
            "Say which unit the file holds in capture.toml [markers] units.",
        ),
        Gate(
            "segment_spread_mm", "at most", 300, "mm",
            "distance of a segment's markers from their middle, after the label check: median over its markers and "
            "frames, of the worst segment of the body",
            "labels that belong to other markers",
            _RELABEL,
        ),
        Gate(
            "gap_share", "at most", 0.5, "share",
            "samples of the body's markers that are missing, after the label check; a marker of the set that the file "
            "lacks is missing throughout",
            "a body that the cameras hardly saw, or a file of which most labels are foreign",
            _RELABEL,
        ),
        Gate(
            "segment_gap_share", "at most", 0.95, "share",
            "the same for the worst of pelvis, thorax, upper arms, forearms, thighs and shanks, if the file has "
            "markers of it",
            "a segment that was never seen, such as hips behind a table",
            "Fill the gaps in the recording software, or set the limit to 1 to build the trial without that segment.",
        ),
        Gate(
            "exchanged_share", "at most", 0.25, "share",
            "samples of labels with a side that look exchanged between left and right and could not be put right",
            "sides exchanged in the whole trial, with evidence that contradicts itself",
            _RELABEL,
        ),
        Gate(
            "joints", "at least", 1, "",
            "joints of the 18 that are determined in some frame",
            "a file without a body",
            _RELABEL,
        ),
        Gate(
            "determined_share", "at least", 0.2, "share",
            "frames in which a joint is determined, mean over the joints that are determined at all",
            "a body that comes into view for moments only",
            "Cut the trial to where the body is seen.",
        ),
        Gate(
            "residual_mm", "at most", 8, "mm",
            "distance of a marker from the fitted skeleton: rms over the frames that fit, median over the markers",
            "labels that belong to other markers, or a static trial of another session or participant",
            _RELABEL,
        ),
        Gate(
            "marker_residual_mm", "at most", 40, "mm",
            "the same of the worst marker",
            "a marker that bears another's label in the whole trial, or was put somewhere else after the static trial",
            _RELABEL,
        ),
        Gate(
            "outlying_share", "at most", 0.1, "share",
            "samples that the fit hardly believes (weight below a fifth), of all markers",
            "labels that belong to other markers or change them many times, or a static trial of another session or "
            "participant",
            _RELABEL,
        ),
        Gate(
            "sigma_mm", "at most", 20, "mm",
            "standard deviation of a joint centre per coordinate: median over frames, then over joints",
            "too few markers to say where the joints are",
            "Give the static trial and the measurements, or set a larger limit.",
        ),
        Gate(
            "bone_variation", "at most", 0.15, "share",
            "standard deviation of a bone's length by the frame-by-frame method, before any fit, as a share of it: "
            "median over upper arms, forearms, thighs and shanks",
            "a body whose bones change their length: labels that wander, or a markerless system that lost the person",
            _RELABEL,
        ),
    )
}  # fmt: skip
"""All gates of a trial by name, in the order in which they are asked: the first that fails is the reason."""

RECORDING_GATES: Final[Mapping[str, Gate]] = {
    gate.name: gate
    for gate in (
        Gate(
            "clock_sigma_ms", "at most", 500 / 30, "ms",
            "standard deviation of the time of a recording's pictures, or without pictures of its sound, at the worse "
            "end of what it shares with the trial",
            "a take in which too little happens to tell the time by, or a phone whose skew of sound and picture no "
            "other trial tells",
            "Clap at the beginning and the end of each take, calibrate the cameras, or state what is known in "
            "capture.toml [sync].",
        ),
        Gate(
            "reprojection_share", "at most", 0.02, "share",
            "how far the calibration draws the joints from where the camera's pose in the trial draws them, as that "
            "follows from the keypoints: rms, as a share of the picture's longer side",
            "a camera that was knocked after it was calibrated",
            "Calibrate it again, or solve its pose from the trial with --resect.",
        ),
    )
}  # fmt: skip
"""Gates of a recording. A limit of the clock that capture.toml does not set is half a frame of the video: it is 16.7 ms
at 30 Hz, and where there are no pictures."""


@dataclass(frozen=True)
class Reading:
    """A gate's number in one trial.

    Attributes
    ----------
    gate
        With the limit that was used.
    value
        NaN where it cannot be measured, as the residual of a fit that is not made.
    detail
        Half a sentence that knows more than the gate's own on what is wrong, such as the worst marker; may be empty.
    mend
        A remedy that knows more than the gate's own; may be empty.
    """

    gate: Gate
    value: float
    detail: str = ""
    mend: str = ""

    @property
    def kept(self) -> bool:
        """Whether the trial keeps to the limit."""
        return self.gate.keeps(self.value)

    @property
    def reason(self) -> str:
        """One sentence on a trial that does not keep to it, and what mends it."""
        gate = self.gate
        problem = f"{gate.name} is {gate.written(self.value)}, but must be {gate.sense} {gate.written(gate.limit)}"
        return f"{problem}; {self.detail or 'likely ' + gate.finds}. {self.mend or gate.mend}"


@dataclass(frozen=True)
class Exclusion:
    """One thing left out: a trial, or with ``recording`` one recording of it."""

    trial: str
    stage: str
    reason: str
    recording: str | None = None
    value: float | None = None
    limit: float | None = None


def with_limits(table: GatesTable) -> dict[str, Gate]:
    """Give all gates of a trial with the limits that capture.toml [gates] sets."""
    given = table.model_dump(exclude_none=True)
    return {name: replace(gate, limit=float(given.get(name, gate.limit))) for name, gate in GATES.items()}


def clock_gate(table: GatesTable, frame_s: float | None) -> Gate:
    """Give the gate of a recording's clock.

    Parameters
    ----------
    table
        Its limit, if it sets one, counts.
    frame_s
        Time from picture to picture, s; None without pictures.
    """
    gate = RECORDING_GATES["clock_sigma_ms"]
    half_ms = gate.limit if frame_s is None else 500 * frame_s
    return replace(gate, limit=half_ms if table.clock_sigma_ms is None else table.clock_sigma_ms)


def reprojection_gate(table: GatesTable) -> Gate:
    """Give the gate of where a camera stands, with the limit that capture.toml sets."""
    gate = RECORDING_GATES["reprojection_share"]
    return replace(gate, limit=gate.limit if table.reprojection_share is None else table.reprojection_share)


def gate_consent(trial: str, participant: Participant) -> Exclusion | None:
    """Refuse the trials of a participant who does not agree to be in the dataset."""
    if participant.consent is False:
        return Exclusion(trial, CONSENT, f"participant {participant.id} did not consent")
    return None


def gate_clock(trial: str, recording: str, gate: Gate, sigma_ms: float, detail: str = "") -> Exclusion | None:
    """Refuse a recording for training whose clock is less certain than the gate allows; NaN refuses nothing."""
    reading = Reading(gate, sigma_ms, detail)
    if reading.kept:
        return None
    return Exclusion(trial, CLOCKS, reading.reason, recording, sigma_ms, gate.limit)


def gate_readings(trial: str, readings: Iterable[Reading]) -> Exclusion | None:
    """Refuse a trial by the first gate that it does not keep to."""
    for reading in readings:
        if not reading.kept:
            return Exclusion(trial, STAGE, reading.reason, value=reading.value, limit=reading.gate.limit)
    return None
