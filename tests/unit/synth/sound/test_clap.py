from __future__ import annotations

import numpy as np
import pytest

from viodat.errors import ConfigError
from viodat.synth.sound.clap import Clap, clap_pressure, draw_claps

RATE = 44_100


def test_most_trials_have_one_to_three_claps_and_some_none():
    rng = np.random.default_rng(0)
    drawn = [draw_claps(rng, 1.5) for _ in range(400)]
    numbers = np.bincount([len(claps) for claps in drawn])
    assert numbers.size == 4
    assert 0.08 < numbers[0] / 400 < 0.25
    assert numbers[1:].min() > 60
    for claps in drawn:
        times = [clap.time_s for clap in claps]
        assert all(t >= 1.7 for t in times)
        assert all(gap >= 0.4 for gap in np.diff(times))


def test_number_of_claps_on_request():
    assert len(draw_claps(np.random.default_rng(0), 0.0, 5)) == 5
    assert draw_claps(np.random.default_rng(0), 0.0, 0) == ()
    with pytest.raises(ConfigError):
        draw_claps(np.random.default_rng(0), 0.0, -1)


@pytest.mark.parametrize("seed", range(8))
def test_a_clap_is_sudden_short_and_broad(seed):
    sound = clap_pressure(Clap(0.0, 1.0), rng=np.random.default_rng(seed))
    peak = np.abs(sound).max()
    assert peak == pytest.approx(3.0)
    assert np.abs(sound[0]) < 0.01 * peak
    assert np.abs(sound[: round(0.001 * RATE)]).max() > 0.5 * peak, "rises within a millisecond"
    energy = np.cumsum(sound**2) / np.sum(sound**2)
    assert energy[round(0.015 * RATE)] > 0.95
    spectrum = np.abs(np.fft.rfft(sound, 8192)) ** 2
    hertz = np.fft.rfftfreq(8192, 1 / RATE)
    cavity = spectrum[(hertz > 500) & (hertz < 2500)].sum() / spectrum.sum()
    assert 0.3 < cavity < 0.995
    assert 500 < hertz[spectrum.argmax()] < 2600


def test_strength_scales_and_seeds_repeat():
    loud, soft = (clap_pressure(Clap(0.0, s), rng=np.random.default_rng(1)) for s in (1.0, 0.5))
    np.testing.assert_allclose(soft, loud / 2)
    other = clap_pressure(Clap(0.0, 1.0), rng=np.random.default_rng(2))
    assert not np.allclose(loud, other)
