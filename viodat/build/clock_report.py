"""From clocks to what their pages are told: per trial a section with its figures, and ``reports/sync.html``.

:func:`clock_page` draws a trial's figures when its clocks are known, and :func:`capture_page` writes the page of the
capture from what was said of the trials.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from viodat.build.clock_picture import SHOWN_HZ, ClockPicture
from viodat.clock import ClockMap, DevicePrior, TrialClocks
from viodat.clock.hearing import LEVEL_HZ
from viodat.clock.least_squares import DRIFT_SIGMA_PPM, SKEW_SIGMA_S
from viodat.report.clocks.capture_page import write_capture_page
from viodat.report.clocks.from_estimate import evidence_lines, evidence_rows, rests_on
from viodat.report.clocks.trial_section import draw_trial_section
from viodat.report.clocks.values import NAN, CaptureClocks, ClockLine, DevicePool, How, TrialClockPage
from viodat.report.clocks.views import Level, PlayingView, TrialViews, WristTiming, WristView

FloatArray = NDArray[np.float64]

_INFORMED: Final = 0.8
"""Share of the prior's sigma below which the trials together say something of their own: above, the prior says more."""
_SAME_OFFSET_S: Final = 0.001
_LEAST_SKEW_S: Final = 0.0002


@dataclass(frozen=True)
class SettledClock:
    """What became of one recording.

    Attributes
    ----------
    device, recording, status
        Ids, and the status as in the table of recordings.
    clock
        Estimated or given; None without one.
    sigma_s, picture_sigma_s
        Largest standard deviation of the mocap time of its sound and of its pictures in what they share with the trial;
        NaN where it has none of them, or nobody stated one.
    limit_s
        The sigma above which it is left out of training; NaN where nothing was judged.
    reason
        Why there is none, or why the recording is left out; empty otherwise.
    """

    device: str
    recording: str
    status: str
    clock: ClockMap | None = None
    sigma_s: float = NAN
    picture_sigma_s: float = NAN
    limit_s: float = NAN
    reason: str = ""


@dataclass(frozen=True, eq=False)
class TrialToShow:
    """One trial for the pages.

    Attributes
    ----------
    trial, participant
        Ids.
    recordings
        All of them, with a clock or without.
    picture
        From :func:`viodat.build.clock_picture.clock_picture`; None where the trial was not read so far.
    clocks
        As estimated, with the evidence's curves; None where clocks were not estimated.
    """

    trial: str
    participant: str
    recordings: tuple[SettledClock, ...]
    picture: ClockPicture | None = None
    clocks: TrialClocks | None = None


def clock_page(
    out: Path, shown: TrialToShow, how: How, *, devices: Sequence[str] = (), svg: bool = True
) -> TrialClockPage:
    """Draw a trial's figures about its clocks below ``out``; give what its page says.

    Parameters
    ----------
    out
        Folder of the dataset.
    shown
        The trial.
    how
        Where clocks come from.
    devices
        All devices of the capture in the order of their names, so that one has the same colour in every trial.
    svg
        Whether each figure is also written as a vector graphic.
    """
    clocks, picture = shown.clocks, shown.picture
    known = {one.device: one.clock for one in shown.recordings if one.clock is not None}
    reasons = rests_on(clocks) if clocks is not None else {}
    return draw_trial_section(
        out,
        shown.trial,
        how=how,
        participant=shown.participant,
        clocks=[_line(one, clocks, reasons.get(one.device, "")) for one in shown.recordings],
        evidence=evidence_lines(clocks) if clocks is not None else (),
        contradictions=clocks.notes.get("", ()) if clocks is not None else (),
        views=_views(shown, known, picture, devices) if picture is not None else None,
        svg=svg,
    )


def reasons_told_once(page: TrialClockPage) -> TrialClockPage:
    """Give a trial's page in which a reason that several devices have stands at the first of them."""
    first: dict[str, str] = {}
    lines = []
    for line in page.clocks:
        before = first.setdefault(line.reason, line.device) if line.reason else line.device
        lines.append(line if before == line.device else replace(line, reason=f"the same as of {before}"))
    return replace(page, clocks=tuple(lines))


def capture_page(
    out: Path,
    name: str,
    pages: Sequence[TrialClockPage],
    how: How,
    pooled: Mapping[str, DevicePrior] | None = None,
    *,
    svg: bool = True,
) -> Path:
    """Write ``reports/sync.html``.

    Parameters
    ----------
    out
        Folder of the dataset.
    name
        Of the dataset.
    pages
        What :func:`clock_page` gave of each trial, in the order of the page.
    how
        Where clocks come from.
    pooled
        What all trials say together of each device (:func:`viodat.clock.session_priors`); None where clocks were not
        estimated.
    svg
        Whether each figure is also written as a vector graphic.
    """
    pools = tuple(_pool(device, prior) for device, prior in sorted((pooled or {}).items()))
    return write_capture_page(out, CaptureClocks(name, tuple(pages), how, pools), svg=svg)


def _pool(device: str, prior: DevicePrior) -> DevicePool:
    drift = prior.drift_sigma_ppm < _INFORMED * DRIFT_SIGMA_PPM
    skew = prior.skew_sigma_s < _INFORMED * SKEW_SIGMA_S
    return DevicePool(
        device,
        prior.drift_ppm if drift else NAN,
        prior.drift_sigma_ppm if drift else NAN,
        prior.skew_s if skew else NAN,
        prior.skew_sigma_s if skew else NAN,
    )


def _line(one: SettledClock, clocks: TrialClocks | None, rests: str) -> ClockLine:
    clock, device = one.clock, one.device
    confidence = clocks.confidence.get(device, NAN) if clocks is not None else NAN
    if clock is None:
        return ClockLine(device, one.recording, one.status, confidence=confidence, reason=one.reason)
    has_both = np.isfinite(one.sigma_s) and np.isfinite(one.picture_sigma_s) and clock.skew_sigma_s > 0
    return ClockLine(
        device,
        one.recording,
        one.status,
        clock.offset_s,
        # A clock that was given has no drift because nobody stated one.
        clock.drift_ppm if clocks is not None or clock.drift_ppm else NAN,
        clock.drift_sigma_ppm,
        clock.skew_s if has_both else NAN,
        clock.skew_sigma_s if has_both else NAN,
        one.sigma_s,
        one.picture_sigma_s,
        one.limit_s,
        confidence,
        one.reason,
        rests,
        clocks.notes.get(device, ()) if clocks is not None else (),
        of_pictures=clocks is not None and device not in clocks.evidence.with_sound,
        given=clocks is None,
        **_of_trial_alone(clocks.alone.get(device) if clocks is not None else None, has_skew=bool(has_both)),
    )


def _of_trial_alone(alone: DevicePrior | None, *, has_skew: bool) -> dict[str, float]:
    """Give what the trial says of drift and skew by itself."""
    if alone is None:
        return {}
    return {
        "alone_drift_ppm": alone.drift_ppm,
        "alone_drift_sigma_ppm": alone.drift_sigma_ppm,
        "alone_skew_s": alone.skew_s if has_skew else NAN,
        "alone_skew_sigma_s": alone.skew_sigma_s if has_skew else NAN,
    }


def _views(
    shown: TrialToShow, known: Mapping[str, ClockMap], picture: ClockPicture, palette: Sequence[str]
) -> TrialViews:
    times = picture.times_s
    span = float(times[0]), float(times[-1])
    playing = None
    if picture.speed_mm_s is not None and picture.on_string is not None:
        playing = PlayingView(
            times,
            picture.speed_mm_s.astype(np.float64),
            picture.on_string.astype(np.float64),
            _levels(known, picture),
            picture.bow_from_markers,
        )
    told = shown.clocks.evidence.devices if shown.clocks is not None else ()
    return TrialViews(
        tuple(dict.fromkeys((*(one.device for one in shown.recordings), *told))),
        *span,
        evidence_rows(shown.clocks, span) if shown.clocks is not None else (),
        playing,
        _wrists(known, picture),
        tuple(palette),
    )


def _levels(known: Mapping[str, ClockMap], picture: ClockPicture) -> tuple[Level, ...]:
    """Give the levels on the mocap clock, the surest device first, cut to the trial."""
    levels = []
    for device in sorted(picture.levels_db.keys() & known.keys(), key=lambda name: (known[name].offset_sigma_s, name)):
        level = picture.levels_db[device].astype(np.float64)
        times = known[device].apply((np.arange(len(level)) + 0.5) / SHOWN_HZ - 0.5 / LEVEL_HZ)
        inside = (times >= picture.times_s[0] - 1) & (times <= picture.times_s[-1] + 1)
        if inside.any():
            levels.append(Level(device, times[inside], level[inside], picture.decays_s.get(device, NAN)))
    return tuple(levels)


def _meets(stamps_s: FloatArray, times_s: FloatArray) -> bool:
    """Tell whether frames with these stamps would be within the trial by the mocap clock."""
    return bool(((stamps_s >= times_s[0]) & (stamps_s <= times_s[-1])).any())


def _wrists(known: Mapping[str, ClockMap], picture: ClockPicture) -> tuple[WristView, ...]:
    """Give the wrist of each camera with a clock, by two accounts of it: the last is the clock, the first lacks a part.

    What is left out is the skew, as if the sound's clock were the pictures'. Where no device has one it is the offset,
    as if the device had started with the markers.
    """
    if not np.isfinite(picture.wrist_mm).any():
        return ()
    maps = {device: known[device].of_picture() for device in picture.wrists if device in known}
    skewed = any(abs(known[name].skew_s) > _LEAST_SKEW_S for name in maps)
    views = []
    for device, clock in maps.items():
        seen = picture.wrists[device]
        timings = []
        if skewed and known[device].skew_s:
            timings.append(WristTiming("without its skew", known[device].apply(seen.times_s), known[device].skew_s))
        elif not skewed and abs(clock.offset_s) > _SAME_OFFSET_S and _meets(seen.times_s, picture.times_s):
            timings.append(WristTiming("as if it had started with the markers", seen.times_s))
        timings.append(WristTiming("with its clock", clock.apply(seen.times_s)))
        views.append(
            WristView(
                device,
                picture.times_s,
                seen.camera.project(picture.wrist_mm.astype(np.float64)),
                seen.px.astype(np.float64),
                tuple(timings),
            )
        )
    return tuple(views)
