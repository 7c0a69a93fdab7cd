"""A trial's devices held against each other and against the motion: clocks, pictures and cameras, once for all checks.

Nothing here is what a build does with a recording: clocks rest on frame-by-frame joints and the cheap kinds of
evidence, so a device without a clock here may well have one there, and the checks say nothing of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from viodat.audio.sound import mono
from viodat.body import audit_sides, audit_upright, detect_marker_set
from viodat.build.checks.finding import RecordingView, Swap, TakeView, TrialView
from viodat.build.checks.trial import IN_PART
from viodat.build.clock_claims import claims_of, given_clock, movies_of
from viodat.build.gates import reprojection_gate, with_limits
from viodat.build.joints import named_marker_set
from viodat.build.quality import size_readings
from viodat.camera import Camera, Knock, Sightings, knocked, sightings_of
from viodat.clock import (
    Claim,
    ClockMap,
    Device,
    Hearing,
    Motion,
    Picture,
    TrialClocks,
    TrialEvidence,
    gather,
    motion_of,
    solve_trial,
)
from viodat.errors import ViodatError
from viodat.joints import JOINT_INDEX

FloatArray = NDArray[np.float64]

EVIDENCE: Final = ("claims", "sound", "analog", "clap", "picture")
MORE_EVIDENCE: Final = ("playing",)
"""Kinds of evidence of clocks that are asked, and those that are asked where the first find no clock."""

LARGE_JOINTS: Final = 12
"""The first joints, without fingers: those err together with the wrist, and tell nothing of their own of a pose."""

NEAR_SHARE: Final = 0.01
"""Of the picture's longer side: joints lie nearer to the projection of the camera that saw them, in the median (0.004
to 0.009 in healthy recordings); cameras 40 degrees apart see a player 0.02 to 0.04 differently."""

_OTHER_FITS: Final = 1.6
"""Another camera's projection must be so many times nearer than its own."""
_LEAST_FRAMES: Final = 30
_LEAST_OVERLAP: Final = 0.4
_MOST_RESIDUAL_PX: Final = 200.0
_LONGEST_S: Final = 900.0
"""Clocks of recordings that are longer in the mean are left to the build."""
_ARMS: Final = ("left_elbow", "left_wrist", "right_elbow", "right_wrist")


def take_of(trial: TrialView, recordings: Sequence[RecordingView]) -> TakeView:
    """Look at a trial's recordings together, and find their clocks as capture.toml [sync] says.

    Where the markers are themselves in doubt (another unit, sides exchanged, a world on its side) nothing can be held
    against them, and the devices are compared with each other alone.
    """
    raw = trial.raw
    motion = None
    if trial.joints is not None and _is_sound(trial):
        assert trial.markers is not None
        marker_set = named_marker_set(raw.config) or detect_marker_set(trial.markers.labels)
        motion = motion_of(trial.joints, None, trial.markers, marker_set)
    devices = tuple(_device(view) for view in recordings)
    pictures = {
        device.name: device.picture
        for device, view in zip(devices, recordings, strict=True)
        if device.picture is not None and device.picture.camera is not None and view.keypoints is not None
    }
    view = TakeView(trial, tuple(recordings), motion, pictures)
    method = raw.config.sync.method
    if method == "none":
        return view
    lasts = sum(view.sound.seconds for view in recordings if view.sound is not None)
    estimated = _estimated(TrialEvidence(motion, devices)) if lasts <= _LONGEST_S * max(len(devices), 1) else None
    clocks: dict[str, ClockMap] = dict(estimated.clocks) if estimated is not None and motion is not None else {}
    if method == "given":
        given = {view.files.device: given_clock(raw.config, view.files.id, view.files.device) for view in recordings}
        clocks = {device: clock for device, clock in given.items() if clock is not None}
    view = replace(view, estimated=estimated, clocks=clocks)
    if motion is None:
        return view
    own_px = {name: _median_px(name, one.camera, view, motion) for name, one in pictures.items() if one.camera}
    swaps = {name: swap for name in pictures if (swap := _swap(name, own_px[name], view, motion)) is not None}
    follows = {name: _follows(name, view, motion) for name in pictures if name not in swaps}
    knocks = {
        name: knock
        for name in pictures
        if name not in swaps
        and name in clocks
        and own_px[name] > NEAR_SHARE * _longer_px(pictures[name])
        and (knock := _knock(name, view, motion)) is not None
    }
    return replace(view, swaps=swaps, follows=follows, knocks=knocks)


def _is_sound(trial: TrialView) -> bool:
    assert trial.markers is not None
    config = trial.raw.config
    marker_set = named_marker_set(config) or detect_marker_set(trial.markers.labels)
    sizes = size_readings(trial.markers, marker_set, with_limits(config.gates), config.markers.units)
    if not all(reading.kept for reading in sizes):
        return False
    exchanged = [one for one in audit_sides(trial.markers, trial.joints) if not IN_PART.search(one)]
    return not exchanged and not (trial.joints and audit_upright(trial.joints))


def _estimated(offered: TrialEvidence) -> TrialClocks:
    if offered.motion is None:
        return solve_trial(gather(offered, ("sound",)))
    found = gather(offered, EVIDENCE)
    solved = solve_trial(found)
    if solved.clocks:
        return solved
    more = gather(offered, MORE_EVIDENCE).observations
    return solve_trial(replace(found, observations=(*found.observations, *more)))


def _device(view: RecordingView) -> Device:
    config, files = view.raw.config, view.files
    hearing = None
    if view.sound is not None and view.sound.samples.any():
        samples = mono(view.sound.samples, view.sound.rate_hz).astype(np.float64)
        hearing = Hearing(samples, view.sound.rate_hz)
    camera = view.raw.cameras.get(files.device)
    picture = None
    zero_s = view.sound.start_s if view.sound is not None else 0.0
    if view.times is not None and view.keypoints is not None:
        size = view.times.size_px
        try:
            fit = config.cameras.fit.get(files.device, "guess")
            camera = camera.fitted_to(size, fit) if camera is not None and size is not None else camera
        except ViodatError:
            camera = None
        picture = Picture(view.times.times_s - zero_s, view.keypoints.px, view.keypoints.confidence, camera)
    stated = config.microphones.get(files.device)
    place = np.array(stated.place_mm, dtype=np.float64) if stated else camera.centre_mm if camera is not None else None
    return Device(files.device, hearing, picture, place, _claims(view, zero_s))


def _claims(view: RecordingView, zero_s: float) -> tuple[Claim, ...]:
    movies = movies_of(view.files, view.movies)
    heard = view.sound is not None
    found, _ = claims_of(view.files, view.raw.config, movies, view.times, zero_s, has_sound=heard)
    return found


def _sightings(picture: Picture, lag: ClockMap, motion: Motion) -> Sightings:
    times = lag.apply(picture.times_s)
    joints = motion.joints_at(times)[:, :LARGE_JOINTS]
    return sightings_of(times, joints, picture.trusted_px[:, :LARGE_JOINTS], picture.confidence[:, :LARGE_JOINTS])


def _longer_px(picture: Picture) -> int:
    assert picture.camera is not None
    return max(picture.camera.size_px)


def _knock(name: str, view: TakeView, motion: Motion) -> Knock | None:
    picture = view.pictures[name]
    assert picture.camera is not None
    limit = reprojection_gate(view.raw.config.gates).limit
    return knocked(picture.camera, _sightings(picture, view.clocks[name].of_picture(), motion), limit_share=limit)


def _lag(name: str, camera: Camera, view: TakeView, motion: Motion) -> ClockMap | None:
    """Give the clock of a device's pictures: as known, or where they fit the motion best if ``camera`` took them."""
    if name in view.clocks:
        return view.clocks[name].of_picture()
    picture = replace(view.pictures[name], camera=camera)
    seen = gather(TrialEvidence(motion, (Device(name, picture=picture),)), ("picture",)).observations
    curve = seen[0].curve if seen else None
    if curve is None or not len(curve.lag_s):
        return None
    begin, end = (picture.times_s[k] + curve.lag_s for k in (0, -1))
    shared = np.minimum(end, motion.times_s[-1]) - np.maximum(begin, motion.times_s[0])
    # Where little overlaps chance may fit well.
    enough = shared >= _LEAST_OVERLAP * min(motion.seconds, float(np.ptp(picture.times_s)))
    if not enough.any():
        return None
    likely = np.where(enough, curve.log_likelihood, -np.inf)
    return ClockMap(float(curve.lag_s[int(np.argmax(likely))]), method="picture")


def _median_px(name: str, camera: Camera, view: TakeView, motion: Motion) -> float:
    """Median distance of what a device saw from what ``camera`` would have seen, px; infinite where none is known."""
    lag = _lag(name, camera, view, motion)
    if lag is None:
        return float("inf")
    seen = _sightings(view.pictures[name], lag, motion)
    away = np.linalg.norm(seen.px - camera.project(seen.points_mm), axis=-1)
    known = away[np.isfinite(away)]
    return float(np.median(known)) if len(known) >= _LEAST_FRAMES else float("inf")


def _swap(name: str, own_px: float, view: TakeView, motion: Motion) -> Swap | None:
    """Find the camera whose calibration a device's pictures fit, if it is not its own."""
    own = view.pictures[name].camera
    assert own is not None
    limit_px = NEAR_SHARE * max(own.size_px)
    if own_px < limit_px:
        return None
    found: dict[str, float] = {}
    for other, camera in view.raw.cameras.items():
        if other != name and camera.size_px == own.size_px:
            found[other] = _median_px(name, camera, view, motion)
    best = min(found, key=lambda other: found[other], default="")
    if not best or found[best] > limit_px or own_px < _OTHER_FITS * found[best]:
        return None
    return Swap(best, own_px, found[best])


def _follows(name: str, view: TakeView, motion: Motion) -> float:
    """Share of the arms' movement in a device's pictures that the motion explains; NaN where too little is seen."""
    picture = view.pictures[name]
    camera = picture.camera
    assert camera is not None
    lag = _lag(name, camera, view, motion)
    if lag is None:
        return 0.0
    arms = [JOINT_INDEX[joint] for joint in _ARMS]
    detected = picture.trusted_px[:, arms]
    if np.isfinite(detected).all(-1).sum() < _LEAST_FRAMES:
        return float("nan")
    projected = camera.project(motion.joints_at(lag.apply(picture.times_s))[:, arms])
    known = np.asarray(np.isfinite(detected).all(-1) & np.isfinite(projected).all(-1))
    moved = left = 0.0
    for k in range(len(arms)):
        if known[:, k].sum() >= _LEAST_FRAMES:
            seen, drawn = detected[known[:, k], k], projected[known[:, k], k]
            moved += _spread(seen)
            left += _spread(seen - drawn)
    return 1 - left / moved if moved > 0 else 0.0


def _spread(px: FloatArray) -> float:
    """Sum of the squares of (N, 2) px about their median; what is far out counts as far as a hand can be."""
    away = np.square(px - np.median(px, axis=0)).sum(-1)
    return float(np.minimum(away, _MOST_RESIDUAL_PX**2).sum())
