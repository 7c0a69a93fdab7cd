"""Copies are found however they were changed; other performances are not, however alike."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import gaussian_filter1d

from tests.unit.dataset.played import motion, sound
from viodat.dataset.fingerprints import fingerprint_audio, fingerprint_motion
from viodat.dataset.near_duplicates import comparable, near_duplicates
from viodat.joints import MIRROR


def noisy(joints: np.ndarray, sigma_mm: float) -> np.ndarray:
    """Add an error that changes within a few frames, as a fit's does."""
    drawn = gaussian_filter1d(np.random.default_rng(9).normal(size=joints.shape), 2, axis=0)
    return joints + sigma_mm * drawn / drawn.std()


def turned(joints: np.ndarray) -> np.ndarray:
    c, s = np.cos(1.0), np.sin(1.0)
    return joints @ np.array([[c, s, 0], [-s, c, 0], [0, 0, 1]]) + (500, -200, 30)


def with_gaps(joints: np.ndarray) -> np.ndarray:
    gone = np.random.default_rng(1).random(joints.shape[:2]) < 0.05
    return np.where(gone[..., None], np.nan, joints)


COPIES = {
    "the same": lambda j: j,
    "other joint centres": lambda j: noisy(j, 2.0),
    "cut at the start": lambda j: j[417:],
    "cut at the end": lambda j: j[:1300],
    "cut, with other joint centres": lambda j: noisy(j, 1.5)[333:1700],
    "mirrored": lambda j: j[:, MIRROR] * (-1, 1, 1),
    "turned and moved": turned,
    "with gaps": with_gaps,
    "half a frame late": lambda j: (j[1:] + j[:-1]) / 2,
    "without fingers": lambda j: np.where((np.arange(18) >= 12)[:, None], np.nan, j),
}


@pytest.mark.parametrize("change", COPIES.values(), ids=COPIES)
def test_a_copy_of_the_motion_is_found(change):
    own = motion(1)
    trials = {"P04T01": own, "P05T09": change(own), "P05T01": motion(2)}
    found = near_duplicates({name: fingerprint_motion(joints) for name, joints in trials.items()}, "motion")
    assert [(one.a, one.b) for one in found] == [("P04T01", "P05T09")]


def test_the_shift_and_the_difference_are_told():
    found = near_duplicates(
        {"A": fingerprint_motion(motion(1)), "B": fingerprint_motion(noisy(motion(1), 1.0)[417:])}, "motion"
    )[0]
    assert found.lag_s == pytest.approx(4.17, abs=0.02)
    assert found.overlap_s == pytest.approx(20.0 - 4.17 - 3.2, abs=0.1)
    assert 0.3 < found.residual_mm < 2.0
    assert str(found).startswith("A and B have the same motion for 13 s (correlation 1.00, ")


def test_another_frame_rate_is_no_disguise():
    own = motion(1)
    found = near_duplicates({"A": fingerprint_motion(own), "B": fingerprint_motion(own[::2], 50.0)}, "motion")
    assert len(found) == 1


def test_a_second_take_is_no_copy():
    """The same movements, each up to 60 ms earlier or later: nobody repeats himself better."""
    own, frames = motion(1), np.arange(2001)
    sway = gaussian_filter1d(np.random.default_rng(3).normal(size=2001), 100)
    at = np.clip(frames + 6 * sway / np.abs(sway).max(), 0, 2000)
    joints = own.reshape(2001, -1)
    again = np.stack([np.interp(at, frames, column) for column in joints.T], 1).reshape(own.shape)
    assert near_duplicates({"A": fingerprint_motion(own), "B": fingerprint_motion(again)}, "motion") == ()


SOUNDS = {
    "louder, and of another colour": lambda f: f * np.linspace(0.5, 2, 35) + 3,
    "with noise": lambda f: f + np.random.default_rng(0).normal(0, 0.1, f.shape),
    "cut": lambda f: f[211:1990],
    "half a row late": lambda f: (f[1:] + f[:-1]) / 2,
    "by a clock 0.1 % faster": lambda f: np.stack(
        [np.interp(np.arange(0, 2000, 1.001), np.arange(2001), column) for column in f.T], 1
    ),
}


@pytest.mark.parametrize("change", SOUNDS.values(), ids=SOUNDS)
def test_a_copy_of_the_sound_is_found(change):
    own = sound(1)
    sounds = {"P04T01": own, "P05T09": change(own), "P05T01": sound(2)}
    found = near_duplicates({name: fingerprint_audio(features) for name, features in sounds.items()}, "sound")
    assert [(one.a, one.b) for one in found] == [("P04T01", "P05T09")]


def test_a_sound_played_again_is_no_copy():
    """The same notes, each up to 50 ms earlier or later."""
    own, rows = sound(1), np.arange(2001)
    sway = gaussian_filter1d(np.random.default_rng(3).normal(size=2001), 100)
    at = np.clip(rows + 5 * sway / np.abs(sway).max(), 0, 2000)
    again = np.stack([np.interp(at, rows, column) for column in own.T], 1)
    assert near_duplicates({"A": fingerprint_audio(own), "B": fingerprint_audio(again)}, "sound") == ()


def test_short_trials_are_known_only_number_for_number():
    own, other = motion(1, 5.0), noisy(motion(1, 5.0), 0.5)
    prints = {name: fingerprint_motion(j) for name, j in {"A": own, "B": own.copy(), "C": other}.items()}
    assert not any(comparable(one, "motion") for one in prints.values())
    found = near_duplicates(prints, "motion")
    assert [(one.a, one.b, one.identical) for one in found] == [("A", "B", True)]
    assert str(found[0]) == "A and B have the same motion, number for number"


@pytest.mark.parametrize("joints", [np.zeros((2000, 18, 3)), np.full((2000, 18, 3), np.nan), np.zeros((0, 18, 3))])
def test_what_does_not_move_is_like_nothing(joints):
    prints = {"A": fingerprint_motion(joints), "B": fingerprint_motion(joints)}
    assert near_duplicates(prints, "motion") == ()


def test_silence_is_like_nothing():
    prints = {name: fingerprint_audio(np.zeros((2000, 35))) for name in "AB"}
    assert near_duplicates(prints, "sound") == ()


def test_fingerprints_are_small_and_the_same_each_time():
    first, again = (fingerprint_motion(motion(1, 50.0)) for _ in range(2))
    assert first.series.tobytes() == again.series.tobytes()
    assert first.series.nbytes < 25_000
    assert fingerprint_audio(sound(1, 50.0)).series.nbytes < 30_000


@settings(max_examples=15, deadline=None)
@given(st.integers(12, 40), st.integers(12, 40), st.integers(0, 5))
def test_drawn_performances_of_any_length_are_different(one, other, seed):
    prints = {"A": fingerprint_motion(motion(seed, one)), "B": fingerprint_motion(motion(seed + 50, other))}
    assert near_duplicates(prints, "motion") == ()


@pytest.mark.parametrize("shape", [(10, 18), (10, 17, 3), (10, 18, 2)])
def test_wrong_shapes(shape):
    with pytest.raises(ValueError, match="joints_mm: expected shape"):
        fingerprint_motion(np.zeros(shape))
    with pytest.raises(ValueError, match="features: expected shape"):
        fingerprint_audio(np.zeros(shape))
