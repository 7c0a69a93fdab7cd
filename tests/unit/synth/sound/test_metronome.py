"""A metronome's beats are equal and exactly a period apart."""

from __future__ import annotations

import numpy as np
import pytest

from viodat.errors import ConfigError
from viodat.synth.sound.metronome import metronome_pressure
from viodat.synth.sound.room import RATE_HZ


def test_clicks_are_a_period_apart_though_it_is_no_whole_number_of_samples():
    pressure = metronome_pressure(97.0, 10.0)
    assert pressure.size == 441_000
    loud = np.flatnonzero(np.abs(pressure) > 0.05)
    starts = loud[np.diff(loud, prepend=-10_000) > 5_000] / RATE_HZ
    assert starts.size == 17
    np.testing.assert_allclose(starts - starts[0], np.arange(17) * 60 / 97, atol=1.1 / RATE_HZ)
    assert starts[0] < 0.0005
    assert np.abs(pressure).max() == pytest.approx(0.5, abs=0.1)


def test_it_is_silent_between_them():
    pressure = metronome_pressure(60.0, 2.0)
    assert np.abs(pressure[round(0.1 * RATE_HZ) : round(0.99 * RATE_HZ)]).max() < 1e-6


def test_no_beat_is_refused():
    with pytest.raises(ConfigError, match="0 beats"):
        metronome_pressure(0.0, 1.0)
