"""An analog channel that carries sound, among others that do not."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.signal import resample_poly

from tests.unit.clock.sounds import device_times, heard, listener, melody, still_player, trial_of
from viodat.capture.markers import Analog
from viodat.clock.evidence.analog import analog
from viodat.clock.evidence.registry import find_evidence
from viodat.clock.observations import MOTION

START_S = 2.0


@pytest.fixture(scope="module")
def played():
    return melody(12.0, 9)


def channels(played, rate_hz, with_sound=True):
    """A force, a muscle, and a microphone whose first sample is at START_S of the sound's time."""
    rng = np.random.default_rng(4)
    cable = resample_poly(played[round(START_S * 44_100) :], rate_hz, 44_100)
    force = np.cumsum(rng.standard_normal(len(cable)))
    muscle = rng.standard_normal(len(cable)) * np.abs(np.sin(np.arange(len(cable)) / rate_hz * 3))
    values = np.stack([force, muscle, np.zeros(len(cable)), *([cable] if with_sound else [])], axis=1)
    labels = ("Fx", "EMG1", "spare", "mic")[: values.shape[1]]
    return Analog(labels, ("V",) * len(labels), values, float(rate_hz))


def seen_by(played, what, start_s=0.7):
    device = listener("C01", heard(played, device_times(11.0, start_s), 2))
    return list(analog(trial_of(device, motion=still_player(start_s=START_S, analog=what))))


def test_it_is_in_the_registry():
    assert find_evidence("analog") is analog


@pytest.mark.parametrize("rate_hz", [2_000, 6_000])
def test_the_microphones_cable_is_found(played, rate_hz):
    (seen,) = seen_by(played, channels(played, rate_hz))
    assert (seen.a.device, seen.a.kind, seen.b) == ("C01", "sound", MOTION)
    assert seen.best.lag_s == pytest.approx(0.7, abs=2e-4)
    assert seen.best.log_odds > 3
    assert seen.common_sigma_s >= 0.004
    assert "mic" in seen.notes[0]


def test_forces_and_muscles_say_nothing(played):
    assert seen_by(played, channels(played, 2_000, with_sound=False)) == []


def test_a_slow_channel_or_none_says_nothing(played):
    assert seen_by(played, channels(played, 300)) == []
    assert seen_by(played, None) == []
    assert list(analog(trial_of(listener("C01", np.zeros(10))))) == []
