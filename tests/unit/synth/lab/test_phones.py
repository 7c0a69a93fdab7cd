from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from viodat.capture.frames_csv import is_frames_csv
from viodat.errors import ConfigError
from viodat.synth.lab.clocks import DeviceClock, draw_clock
from viodat.synth.lab.phones import Phone, draw_phone, film, write_stamps
from viodat.synth.sound.room import Microphone

STEADY = Phone(30.0, 0.02, 0.004, 0.0, 0.0, 0.0, 0.0, Microphone())


def rng(seed=0):
    return np.random.default_rng(seed)


def phones(count=200):
    one = rng()
    return [draw_phone(one) for _ in range(count)]


def test_phones_fill_the_ranges_and_keep_within_them():
    for name, low, high in (("readout_s", 0.010, 0.025), ("skew_s", -0.04, 0.04), ("drop_rate", 0, 0.01)):
        drawn = np.array([getattr(phone, name) for phone in phones()])
        assert low <= drawn.min() < low + 0.1 * (high - low)
        assert high >= drawn.max() > high - 0.1 * (high - low)


@pytest.mark.parametrize("seed", range(5))
def test_stamps_rise_from_zero_at_about_thirty_per_second(seed):
    phone = draw_phone(rng(seed))
    frames = film(phone, draw_clock(rng(seed), phone.ppm), 60.0, rng(seed))
    assert frames.pts.dtype == frames.time_ns.dtype == np.int64
    assert frames.pts[0] == 0
    assert 59.8 * 90_000 < frames.pts[-1] < 60 * 90_000
    steps = np.diff(frames.pts)
    assert steps.min() > 2000
    assert np.median(steps) == pytest.approx(3000, abs=40)
    assert steps.std() > 10
    assert (np.diff(frames.time_ns) > 0).all()
    assert 60 * 29 < frames.pts.size < 60 * 30.1


def test_some_stretches_are_slow():
    slow = 0
    for seed in range(10):
        steps = np.diff(film(replace(STEADY), DeviceClock(0.0), 60.0, rng(seed)).pts)
        slow += int((steps > 3005).any())
        assert steps.min() >= 2999
        assert steps.max() < 3000 * 1.04
    assert slow >= 6


def test_dropped_frames_are_few_and_sometimes_in_bursts():
    gaps = []
    for seed in range(20):
        pts = film(replace(STEADY, drop_rate=0.008), DeviceClock(0.0), 60.0, rng(seed)).pts
        missing = np.rint(np.diff(pts) / 3040).astype(int) - 1
        gaps.append(missing)
        assert missing.sum() <= 0.011 * 1800
    every = np.concatenate(gaps)
    assert 0.002 < every.sum() / (20 * 1800) < 0.01
    assert every.max() >= 2
    assert not np.diff(film(STEADY, DeviceClock(0.0), 60.0, rng(0)).pts).max() > 3200


def test_true_time_is_the_stamp_less_skew_on_the_mocap_clock():
    clock = DeviceClock(start_s=-3.0, ppm=80.0)
    frames = film(replace(STEADY, skew_s=0.03), clock, 60.0, rng(1))
    # By hand: stamp s is heard at s - 30 ms; the device counts 1.00008 s per second from -3 s on.
    by_hand = (frames.pts / 90_000 - 0.03) / 1.00008 - 3.0
    np.testing.assert_allclose(frames.time_ns / 1e9, by_hand, atol=6e-6)
    np.testing.assert_allclose(frames.time_ns / 1e9 - frames.first_row_s, 0.01, atol=1e-8)


def test_a_phone_at_sixty_and_a_video_that_ends_early():
    frames = film(replace(STEADY, fps=60.0), DeviceClock(0.0), 10.0, rng())
    assert np.median(np.diff(frames.pts)) == 1500
    short = frames.until(4.0)
    assert short.pts[-1] < 4 * 90_000 <= frames.pts[short.pts.size]
    np.testing.assert_array_equal(short.time_ns, frames.time_ns[: short.pts.size])


def test_the_same_seed_films_the_same():
    phone, clock = draw_phone(rng(4)), DeviceClock(0.0)
    first, again, other = (film(phone, clock, 10.0, rng(seed)) for seed in (5, 5, 6))
    np.testing.assert_array_equal(first.time_ns, again.time_ns)
    assert first.pts[5] != other.pts[5]


def test_written_stamps(tmp_path):
    frames = film(STEADY, DeviceClock(0.0), 1.0, rng())
    path = tmp_path / "P05C01T28.frames.csv"
    write_stamps(path, frames, (1280, 720))
    lines = path.read_text().splitlines()
    assert lines[:2] == ["pts,time_base,width,height", "0,1/90000,1280,720"]
    assert len(lines) == 1 + frames.pts.size
    assert is_frames_csv(path)


def test_a_video_without_length_is_refused():
    with pytest.raises(ConfigError, match="0 s"):
        film(STEADY, DeviceClock(0.0), 0.0, rng())
