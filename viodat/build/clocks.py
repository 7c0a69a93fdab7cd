"""What a recording's clock is, how sure it is within the trial, and what becomes of a recording without one.

A recording whose clock is not known keeps its own data without mocap time (``unsynchronised``); one whose clock is less
certain than the gate asks for keeps data and times but is not trained on (``uncertain``). Both are listed among the
exclusions, with the stage ``clocks`` and the number.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from viodat.build.clock_claims import STATED, given_clock
from viodat.build.coverage import coverage_faults
from viodat.build.faults import UnderWay, reason_of
from viodat.build.gates import CLOCKS, Exclusion, Gate, clock_gate, gate_clock
from viodat.build.raw import RawCapture
from viodat.build.recording import RecordingResult, project_truth
from viodat.build.trial import TrialResult
from viodat.build.truth import JointCurve
from viodat.capture.config_joints import GatesTable
from viodat.capture.config_sync import SyncMethod
from viodat.clock import ClockMap, TrialClocks
from viodat.clock.estimate import CONFIDENT
from viodat.dataset import schema

_OVERRULED_SIGMAS: Final = 5.0
_MEND = "State its offset in capture.toml [sync], or use another recording."
_NOT_BORNE_OUT = "which the evidence does not bear out: correct it, or take it as it is with --sync given."
_NULL = "so its times and the truth at its frames are null"


def settle_clocks(
    result: TrialResult, raw: RawCapture, method: SyncMethod, clocks: TrialClocks | None = None, fault: str = ""
) -> TrialResult:
    """Give each recording of a trial its clock, the truth at its frames, and its status.

    Parameters
    ----------
    result
        From :func:`viodat.build.prepare.first_pass`; an excluded trial comes back as it is.
    raw
        The capture.
    method
        ``auto``, ``given`` or ``none``.
    clocks
        As estimated, with method ``auto``.
    fault
        Why there are none.
    """
    if result.excluded or result.joints is None:
        return result
    curve = JointCurve(result.joints, result.fit)
    span = (float(result.joints.times_s[0]), float(result.joints.times_s[-1]))
    recordings: list[RecordingResult] = []
    exclusions = list(result.exclusions)
    stage = UnderWay()
    for recording in result.recordings:
        clock, why_not = clock_of(recording, raw, method, clocks, fault)
        try:
            settled = project_truth(recording, clock, curve, span, stage)
        except Exception as error:
            exclusions.append(Exclusion(result.files.id, stage.name, reason_of(error), recording.files.id))
            continue
        if clock is None:
            settled = settled.noting(why_not)
            sure = clocks.confidence.get(recording.files.device) if clocks is not None else None
            limit = None if sure is None else CONFIDENT
            exclusions.append(Exclusion(result.files.id, CLOCKS, why_not, recording.files.id, sure, limit))
        else:
            settled, refused = _gated(settled, clock, span, raw.config.gates)
            exclusions += [refused] if refused else []
            settled = settled.noting(alarms=coverage_faults(settled, clock, span))
            if clocks is not None:
                told = (*_contradictions(recording.files.device, clocks), *_overruled(recording, clock))
                settled = settled.noting(alarms=told)
        recordings.append(settled)
    of_trial = clocks.notes.get("", ()) if clocks is not None else ()
    return replace(
        result,
        recordings=tuple(recordings),
        clocks=clocks,
        exclusions=tuple(exclusions),
        notes=tuple(dict.fromkeys((*result.notes, *of_trial))),
        alarms=(*result.alarms, *of_trial, *(f"{r.files.id}: {alarm}" for r in recordings for alarm in r.alarms)),
    )


def clock_of(
    recording: RecordingResult, raw: RawCapture, method: SyncMethod, clocks: TrialClocks | None, fault: str
) -> tuple[ClockMap | None, str]:
    """Give a recording's clock, or None and why there is none; parameters as in :func:`settle_clocks`."""
    files = recording.files
    if method == "none":
        return None, f"its clock is not asked for (method 'none'), {_NULL}"
    if method == "given":
        skewed = recording.times is not None and recording.sound is not None
        clock = given_clock(raw.config, files.id, files.device, skewed=skewed)
        if clock is None:
            return None, (
                f"its clock is unknown, {_NULL}; give it in capture.toml [sync] offset_s = {{{files.device} = ...}}"
            )
        if not recording.zero_known:
            return None, f"its offset counts from its sound, which cannot be read, {_NULL}"
        return clock, ""
    if clocks is None:
        return None, f"its clock cannot be estimated, {_NULL}: {fault}"
    if files.device in clocks.clocks:
        return clocks.clocks[files.device], ""
    said = "; ".join(clocks.notes.get(files.device, ())) or "nothing says when it recorded"
    return None, f"its clock is unknown, {_NULL}: {said}. {_mend(recording)}"


def _mend(recording: RecordingResult) -> str:
    """Say what to do about a recording of which nothing convinces."""
    for claim in recording.claims:
        if claim.source == STATED:
            return f"capture.toml [sync] states {claim.offset_s:.4f} s, {_NOT_BORNE_OUT}"
    return _MEND


def _gated(
    recording: RecordingResult, clock: ClockMap, span_s: tuple[float, float], table: GatesTable
) -> tuple[RecordingResult, Exclusion | None]:
    """Say how sure the clock is where it counts, and whether that is enough."""
    sigma_s = worst_sigma_s(recording, clock, span_s)
    gate = gate_of(recording, table)
    refused = gate_clock(recording.files.trial, recording.files.id, gate, sigma_s * 1000, _mostly(clock, sigma_s))
    status = schema.STATUS_UNCERTAIN if refused else schema.STATUS_BUILT
    return replace(recording, status=status, sigma_s=sigma_s), refused


def gate_of(recording: RecordingResult, table: GatesTable) -> Gate:
    """Give the limit of a recording's sigma: as capture.toml says, else half of its frames' distance."""
    times = recording.device_times_s
    return clock_gate(table, float(np.median(np.diff(times))) if len(times) > 1 else None)


def _mostly(clock: ClockMap, sigma_s: float) -> str:
    """Say what most of a sigma is; empty where that needs no saying."""
    if clock.method != "given" and clock.skew_sigma_s**2 > 0.5 * sigma_s**2:
        return (
            f"its pictures may be {clock.skew_sigma_s * 1000:.0f} ms off its sound either way: neither they nor other "
            "trials of the device tell that skew better"
        )
    return ""


def worst_sigma_s(recording: RecordingResult, clock: ClockMap, span_s: tuple[float, float]) -> float:
    """Give the standard deviation of a recording's time on the mocap clock where it is largest within the trial, s.

    Parameters
    ----------
    recording
        Its pictures count, or without pictures its sound.
    clock
        Of its sound.
    span_s
        Mocap time of the trial's first and last frame, s. Where the recording shares nothing with it, the whole
        recording counts.
    """
    if recording.times is not None:
        map_, ends = clock.of_picture(), recording.device_times_s
    else:
        map_, ends = clock, np.array([0.0, recording.sound.seconds if recording.sound is not None else 0.0])
    within = _within(map_, ends[[0, -1]], span_s)
    sigma = map_.sigma_s(within)
    return float(np.max(sigma))


def _within(clock: ClockMap, ends_s: NDArray[np.float64], span_s: tuple[float, float]) -> NDArray[np.float64]:
    """Cut a stretch of device time to what lies in a stretch of mocap time; all of it where nothing does."""
    first, last = clock.apply(ends_s)
    start, end = max(first, span_s[0]), min(last, span_s[1])
    if end < start or last <= first:
        return ends_s
    return np.asarray(np.interp([start, end], [first, last], ends_s))


def _contradictions(device: str, clocks: TrialClocks) -> tuple[str, ...]:
    """Say what contradicts a clock that there is, and whether its sound's rate is another than its file states."""
    return tuple(f"the clock of {device}: {note}" for note in clocks.notes.get(device, ()))


def _overruled(recording: RecordingResult, clock: ClockMap) -> tuple[str, ...]:
    """Say which claims all the evidence together contradicts."""
    told = []
    for claim in recording.claims:
        own = clock.of_picture() if claim.of_picture else clock
        sigma_s = math.hypot(claim.sigma_s, float(own.sigma_s(0.0)))
        if abs(own.offset_s - claim.offset_s) > _OVERRULED_SIGMAS * sigma_s:
            told.append(
                f"{claim.source} says that its zero is at {claim.offset_s:.3f} s, but all the evidence together puts "
                f"it at {own.offset_s:.3f} s"
            )
    return tuple(told)
