"""Every kind of evidence of a clock takes whatever a trial offers, and what it says can be used.

A kind whose module is missing fails one test, and only that one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pytest

from tests.unit.clock.bowed import FINE_HZ, Take, bridge_mm, motion_of_take, sound_of_take, take
from tests.unit.clock.clapping import PLACE_MM, camera_at
from viodat.audio.f0 import PitchTrack
from viodat.body.interpolate import at_times
from viodat.camera import Camera
from viodat.capture.markers import Analog
from viodat.clock import (
    MOTION,
    Claim,
    Device,
    Hearing,
    Hypothesis,
    Motion,
    Observation,
    Picture,
    Stream,
    TrialEvidence,
    estimate_clocks,
    evidence_names,
    gather,
    register_evidence,
)
from viodat.clock.evidence import registry
from viodat.errors import ConfigError
from viodat.joints import JOINT_INDEX

pytestmark = pytest.mark.filterwarnings("error::RuntimeWarning")

RATE_HZ = 16_000.0
SECONDS = 6.0
OFFSETS_S = {"C01": 0.4, "C02": -0.7}
SKEW_S = 0.02
TRUE_S = {
    **{Stream(name, "sound"): offset for name, offset in OFFSETS_S.items()},
    **{Stream(name, "picture"): offset - SKEW_S for name, offset in (OFFSETS_S | {"C03": -1.1}).items()},
    MOTION: 0.0,
}
"""Mocap time at each stream's zero."""
TAKE = take(3)
HANDS = ("wrist", "index", "pinky", "thumb")


@pytest.fixture(params=evidence_names())
def kind(request):
    try:
        registry.find_evidence(request.param)
    except ModuleNotFoundError as error:
        pytest.skip(f"test_is_there fails for it: {error}")
    return request.param


@pytest.mark.parametrize("name", evidence_names())
def test_is_there(name):
    """None may be missing in the end."""
    assert callable(registry.find_evidence(name))


def _clapped(motion: Motion, clap_s: float) -> Motion:
    """The left hand goes to the right one and back within a fifth of a second."""
    joints = motion.joints_mm.copy()
    near = np.exp(-np.abs(motion.times_s - clap_s) / 0.06)[:, None]
    for part in HANDS:
        left, right = JOINT_INDEX[f"left_{part}"], JOINT_INDEX[f"right_{part}"]
        joints[:, left] += near * (joints[:, right] + np.array([0.0, 40.0, 0.0]) - joints[:, left])
    return replace(motion, joints_mm=joints, joints_at=lambda t: at_times(joints, motion.start_s, motion.rate_hz, t))


@cache
def _motion() -> Motion:
    return _clapped(motion_of_take(TAKE, seconds=SECONDS), 1.0)


def _sound(offset_s: float, seed: int = 0, seconds: float = SECONDS) -> Hearing:
    """One take's music: the same noise in all devices, with each its own hiss, and a clap."""
    made = sound_of_take(TAKE, 0.0, seconds=SECONDS + 4, rate_hz=RATE_HZ, pitch=True)
    start = round((offset_s + 1.0) * RATE_HZ)
    whole = np.concatenate([np.zeros(round(RATE_HZ)), made.samples])
    samples = whole[start : start + round(seconds * RATE_HZ)].copy()
    samples += 1e-3 * np.random.default_rng(seed).standard_normal(len(samples))
    first = round((1.0 - offset_s) * RATE_HZ)
    burst = np.random.default_rng(9).standard_normal(1600) * np.exp(-np.arange(1600) / 300)
    samples[first : first + 1600] += 0.5 * burst[: max(len(samples) - first, 0)]
    own = sound_of_take(TAKE, offset_s, seconds=seconds, rate_hz=RATE_HZ, pitch=True)
    return Hearing(samples, RATE_HZ, own.pitch)


def _camera(k: int) -> Camera:
    """The next ones look at the same place from 60 degrees further to the left each."""
    first = camera_at()
    turn = np.pi / 3 * k
    c, s = np.cos(turn), np.sin(turn)
    about = np.array([[c, -s, 0.0], [s, c, 0.0], [0.0, 0.0, 1.0]])
    rotation = first.rotation @ about.T
    centre = PLACE_MM + about @ (first.centre_mm - PLACE_MM)
    return replace(first, id=f"C0{k + 1}", rotation=rotation, translation_mm=-rotation @ centre)


def _picture(motion: Motion, offset_s: float, seconds: float = SECONDS, k: int = 0) -> Picture:
    stamps = np.arange(0.01 + 0.007 * k, seconds, 1 / 29.7)
    seen = _camera(k).project(motion.joints_at(stamps + offset_s - SKEW_S))
    px = seen + np.random.default_rng(k).normal(0, 2.0, seen.shape)
    return Picture(stamps, px, np.where(np.isfinite(px[..., 0]), 0.9, np.nan), _camera(k))


def _devices(motion: Motion, seconds: float = SECONDS) -> tuple[Device, ...]:
    said = (Claim("capture.toml", 0.4, 0.05), Claim("MOVIE_DELAY", 0.42, 0.05, of_picture=True))
    return tuple(
        Device(
            name,
            _sound(offset, k, seconds),
            _picture(motion, offset, seconds, k),
            microphone_mm=bridge_mm(np.zeros(1))[0] + np.array([2500.0, 500.0 * k, 0.0]),
            claims=said if name == "C01" else (),
        )
        for k, (name, offset) in enumerate(OFFSETS_S.items())
    )


@cache
def _phones() -> tuple[Device, ...]:
    return _devices(_motion())


def _unsaid() -> tuple[Device, ...]:
    return tuple(replace(one, claims=()) for one in _phones())


def _whole() -> TrialEvidence:
    """All that there can be, with an analog channel that hears the room, and a phone without sound."""
    motion = _motion()
    room = sound_of_take(TAKE, 0.0, seconds=SECONDS, rate_hz=RATE_HZ).samples
    channels = Analog(("mic", "emg"), ("V", "V"), np.stack([room[::4], np.zeros(len(room[::4]))], axis=1), RATE_HZ / 4)
    deaf = Device("C03", picture=_picture(motion, -1.1, k=2))
    return TrialEvidence(replace(motion, analog=channels), (*_devices(motion), deaf))


def _nan_picture(camera: bool = True) -> Picture:
    count = round(SECONDS * 30)
    nothing = np.full((count, 18, 2), np.nan)
    return Picture(np.arange(count) / 30, nothing, nothing[..., 0], camera_at() if camera else None)


def _of_nobody(motion: Motion) -> Motion:
    gone = {label: np.full_like(track, np.nan) for label, track in motion.markers.items()}
    return replace(
        motion,
        joints_mm=np.full_like(motion.joints_mm, np.nan),
        joints_at=lambda t: np.full((len(t), 18, 3), np.nan),
        markers=gone,
    )


def _heard(**more: Any) -> TrialEvidence:
    sound = _phones()[0].sound
    assert sound is not None
    return TrialEvidence(_motion(), (Device("C01", replace(sound, **more)),))


def _pitchless() -> PitchTrack:
    track = _phones()[0].sound.pitch
    return replace(track, f0_hz=np.full_like(track.f0_hz, np.nan))


def _silent() -> TrialEvidence:
    silence = Hearing(np.zeros(round(SECONDS * RATE_HZ)), RATE_HZ)
    return TrialEvidence(_motion(), tuple(replace(one, sound=silence) for one in _unsaid()))


def _empty() -> TrialEvidence:
    none = np.zeros((0, 18, 2))
    picture = Picture(np.zeros(0), none, none[..., 0], _camera(0))
    return TrialEvidence(_motion(), (Device("C01", Hearing(np.zeros(0), RATE_HZ), picture),))


def _blind() -> TrialEvidence:
    deaf = Device("C03", picture=_nan_picture(camera=False))
    return TrialEvidence(_motion(), (*(replace(one, picture=_nan_picture()) for one in _unsaid()), deaf))


def _uncalibrated() -> TrialEvidence:
    return TrialEvidence(
        _motion(), tuple(Device(one.name, picture=replace(one.picture, camera=None)) for one in _phones())
    )


def _unknown_places() -> TrialEvidence:
    return TrialEvidence(_motion(), tuple(replace(one, microphone_mm=None) for one in _phones()))


def _still() -> TrialEvidence:
    nothing = Take(-2.0, *(np.zeros(round(16 * FINE_HZ)) for _ in range(4)))
    return TrialEvidence(motion_of_take(nothing, seconds=SECONDS, noise_mm=0.0), _unsaid())


TRIALS: dict[str, Callable[[], TrialEvidence]] = {
    "nothing": lambda: TrialEvidence(None, ()),
    "motion without devices": lambda: TrialEvidence(_motion(), ()),
    "devices without motion": lambda: TrialEvidence(None, _unsaid()),
    "devices with neither sound nor picture": lambda: TrialEvidence(_motion(), (Device("C01"), Device("C02"))),
    "silence": _silent,
    "no sample and no frame": _empty,
    "unvoiced": lambda: _heard(pitch=_pitchless()),
    "pictures of nobody": _blind,
    "no calibrated camera": _uncalibrated,
    "recordings of 0.2 s": lambda: TrialEvidence(_motion(), _devices(_motion(), 0.2)),
    "motion of 0.2 s": lambda: TrialEvidence(motion_of_take(TAKE, seconds=0.2), _phones()),
    "one frame": lambda: TrialEvidence(motion_of_take(TAKE, seconds=0.01), _devices(_motion(), 0.03)),
    "motion of nobody": lambda: TrialEvidence(_of_nobody(_motion()), _unsaid()),
    "nobody moves": _still,
    "joints alone": lambda: TrialEvidence(motion_of_take(TAKE, seconds=SECONDS, violin=(), bow=()), _phones()),
    "unknown microphones": _unknown_places,
    "two phones on one stand": lambda: TrialEvidence(
        _motion(), tuple(Device(name, picture=_picture(_motion(), 0.3)) for name in ("C01", "C02"))
    ),
    "low rate": lambda: _heard(samples=_phones()[0].sound.samples[::32], rate_hz=RATE_HZ / 32),
    "everything": _whole,
}


@cache
def trial_of(name: str) -> TrialEvidence:
    """One of the trials; it is made once."""
    return TRIALS[name]()


def _streams(trial: TrialEvidence) -> set[Stream]:
    heard = {Stream(one.name, "sound") for one in trial.listening}
    return {MOTION} | heard | {Stream(one.name, "picture") for one in trial.watching}


@pytest.mark.parametrize("name", TRIALS)
def test_takes_what_there_is_and_says_what_can_be_used(kind, name):
    trial = trial_of(name)
    for one in registry.find_evidence(kind)(trial):
        assert isinstance(one, Observation)
        assert one.method
        assert one.a != one.b
        assert {one.a, one.b} <= _streams(trial)
        assert one.a != MOTION, "a lag is that of b against a: the motion is b"
        if one.b == MOTION:
            assert trial.motion is not None
        assert np.isfinite([one.at_s, one.span_s, one.miss, one.common_sigma_s, one.rate_ratio]).all()
        assert one.span_s > 0
        assert 0 <= one.miss <= 1
        assert one.common_sigma_s >= 0
        assert one.rate_ratio > 0
        odds = [each.log_odds for each in one.hypotheses]
        assert odds == sorted(odds, reverse=True), "best first"
        for each in one.hypotheses:
            assert np.isfinite([each.lag_s, each.sigma_s, each.log_odds]).all()
            assert each.sigma_s > 0
            assert each.sigma_s >= 0.999 * one.common_sigma_s, "what all windows share is in it"
        _check_windows(one)
        assert all(note and note[0].isupper() and note.endswith(".") for note in one.notes)


def _check_windows(one: Observation) -> None:
    if one.windows is not None:
        assert one.hypotheses, "windows are those of the best hypothesis"
        assert one.windows.at_s.shape == one.windows.lag_s.shape == one.windows.sigma_s.shape
        assert np.isfinite(one.windows.at_s).all()
        known = np.isfinite(one.windows.lag_s)
        assert (one.windows.sigma_s[known] > 0).all()
    if one.curve is not None:
        assert one.curve.lag_s.shape == one.curve.log_likelihood.shape
        assert np.isfinite(one.curve.log_likelihood).all()
        assert (np.diff(one.curve.lag_s) > 0).all()


SILENT = ("silence", "no sample and no frame", "pictures of nobody", "nobody moves", "motion of nobody")


@pytest.mark.parametrize("name", SILENT)
def test_nothing_is_made_of_nothing(kind, name):
    """What is silent, blind or still has no lag: log odds of 0 at most, of which no answer is made."""
    trial = trial_of(name)
    empty = {
        "silence": lambda stream: stream.kind == "sound",
        "no sample and no frame": lambda stream: stream.kind != "motion",
        "pictures of nobody": lambda stream: stream.kind == "picture",
        "nobody moves": lambda stream: stream.kind == "motion",
        "motion of nobody": lambda stream: stream.kind == "motion",
    }[name]
    for one in registry.find_evidence(kind)(trial):
        if empty(one.a) or empty(one.b):
            assert all(each.log_odds <= 0 for each in one.hypotheses), one


def test_finds_what_is_there(kind):
    """Every observation says something, and what it is sure of is true."""
    for one in registry.find_evidence(kind)(trial_of("everything")):
        assert one.hypotheses, one
        if one.best.log_odds > 3:
            assert abs(one.best.lag_s - (TRUE_S[one.a] - TRUE_S[one.b])) < 3 * one.best.sigma_s, one


def test_is_deterministic_and_changes_nothing(kind):
    trial = trial_of("everything")
    before = [one.sound.samples.copy() for one in trial.listening] + [one.picture.px.copy() for one in trial.watching]
    # What a device's sound keeps for later must not make a difference either.
    fresh = _whole()
    first, second = (list(registry.find_evidence(kind)(each)) for each in (trial, fresh))
    assert first, "there is all that it needs"
    assert [_key(one) for one in first] == [_key(one) for one in second]
    after = [one.sound.samples for one in trial.listening] + [one.picture.px for one in trial.watching]
    for old, new in zip(before, after, strict=True):
        np.testing.assert_array_equal(old, new)


def _key(one: Observation) -> tuple[object, ...]:
    windows = () if one.windows is None else tuple(map(np.ndarray.tobytes, vars(one.windows).values()))
    curve = () if one.curve is None else tuple(map(np.ndarray.tobytes, vars(one.curve).values()))
    rest = (one.at_s, one.span_s, one.miss, one.common_sigma_s, one.rate_ratio, one.notes)
    return one.method, one.a, one.b, one.hypotheses, rest, windows, curve


@pytest.fixture
def users():
    """Takes what a test registers out of the registry again."""
    before = dict(registry._ADDED)
    yield
    registry._ADDED.clear()
    registry._ADDED.update(before)


def test_a_users_evidence_is_asked_and_believed(users, monkeypatch):
    asked = []

    def slate(trial):
        """An electronic slate that flashed at mocap time 3, which C02 shows at its second 3.5."""
        asked.append(trial)
        if trial.motion is not None:
            yield Observation(
                "slate", Stream("C02", "picture"), MOTION, (Hypothesis(-0.5, 0.004, 12.0),), at_s=3.5, span_s=16.0
            )

    built_in = evidence_names()
    register_evidence("slate", slate)
    assert evidence_names() == (*built_in, "slate")
    # The built-in ones are tried above; here they say nothing.
    monkeypatch.setattr(registry, "_BUILT_IN", {})
    trial = TrialEvidence(_motion(), (Device("C02", picture=_nan_picture()),))
    found = gather(trial)
    assert asked == [trial]
    assert [one.method for one in found.observations] == ["slate"]
    clocks = estimate_clocks(trial)
    assert clocks["C02"].method == "slate"
    np.testing.assert_allclose(clocks["C02"].of_picture().apply(3.5), 3.0, atol=1e-4)


def test_names_are_taken_once(users):
    register_evidence("slate", lambda trial: ())
    for name in ("slate", "sound"):
        with pytest.raises(ConfigError, match=f"named '{name}' already"):
            register_evidence(name, lambda trial: ())
    with pytest.raises(ConfigError, match=r"(?s)no evidence 'tea'.*playing.*slate"):
        registry.find_evidence("tea")


def test_the_registry_is_clean_again():
    assert "slate" not in evidence_names()
