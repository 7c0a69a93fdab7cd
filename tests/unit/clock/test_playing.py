from dataclasses import replace

import numpy as np
import pytest

from tests.unit.clock.bowed import bridge_mm, motion_of_take, sound_of_take, take
from viodat.audio.f0 import PitchTrack
from viodat.clock.bowing import bowing_of
from viodat.clock.estimate import estimate_clocks, gather
from viodat.clock.evidence.playing import playing
from viodat.clock.inputs import Device, TrialEvidence
from viodat.clock.observations import MOTION, Stream

TAKE = take(3)
PLAYED = motion_of_take(TAKE)
METRES = np.array([3000.0, 0.0, 0.0])
TRAVEL_S = 3.0 / 343
MICROPHONE_MM = bridge_mm(PLAYED.times_s).mean(axis=0) + METRES


def device(offset_s, *, known=True, name="C01", **more):
    sound = sound_of_take(TAKE, offset_s, late_s=TRAVEL_S, **more)
    return Device(name, sound, microphone_mm=MICROPHONE_MM if known else None)


def observe(one, motion=PLAYED):
    return list(playing(TrialEvidence(motion, (one,))))


@pytest.mark.parametrize("offset_s", [-1.87, 0.0, 1.2345])
def test_the_lag_is_mocap_time_at_the_devices_zero(offset_s):
    (one,) = observe(device(offset_s))
    assert (one.method, one.a, one.b) == ("playing", Stream("C01", "sound"), MOTION)
    assert one.best.lag_s == pytest.approx(offset_s, abs=0.006)
    assert abs(one.best.lag_s - offset_s) < one.best.sigma_s
    assert 0.008 <= one.best.sigma_s < 0.012
    assert one.best.log_odds > 3
    # The middle of what both have, on the device's clock.
    assert one.at_s == pytest.approx(0.5 * (max(0.0, -offset_s) + min(12.0, 12.0 - offset_s)), abs=0.5)
    assert one.span_s == pytest.approx(24.0, abs=0.2)
    known = np.isfinite(one.windows.lag_s)
    assert known.sum() >= 2
    np.testing.assert_allclose(one.windows.lag_s[known], offset_s, atol=0.02)


def test_cropped_motion_has_its_own_first_frame():
    late = motion_of_take(TAKE, seconds=9.0, start_s=2.5)
    (one,) = observe(device(0.7), late)
    assert one.best.lag_s == pytest.approx(0.7, abs=0.01)


@pytest.mark.parametrize("decay_s", [0.015, 0.03, 0.05])
def test_the_rooms_delay_is_taken_off(decay_s):
    """A room of 50 ms delays the level's swings by some 30 ms: most of it must be gone."""
    errors = [observe(device(0.4, decay_s=decay_s, rate_hz=22_050.0, seed=s))[0].best.lag_s - 0.4 for s in (1, 2)]
    assert np.abs(errors).max() < 0.010
    assert np.abs(np.mean(errors)) < 0.008


def test_the_travel_of_sound_is_taken_off_where_the_microphone_is_known():
    near = replace(device(0.4), microphone_mm=MICROPHONE_MM - METRES)
    (close,), (far,) = observe(near), observe(device(0.4))
    assert far.best.lag_s - close.best.lag_s == pytest.approx(TRAVEL_S, abs=0.0006)
    assert far.common_sigma_s == pytest.approx(0.008, abs=0.0005)


def test_an_unknown_microphone_widens_what_is_common():
    (known,), (unknown,) = observe(device(0.4)), observe(device(0.4, known=False))
    assert unknown.common_sigma_s == pytest.approx(np.hypot(known.common_sigma_s, 0.004), abs=3e-4)
    np.testing.assert_allclose(unknown.windows.sigma_s, known.windows.sigma_s, rtol=0.02)
    assert unknown.best.sigma_s > known.best.sigma_s


@pytest.mark.parametrize("more", [{"violin": ("VIO1", "VIO4")}, {"violin": (), "bow": ()}], ids=["two", "none"])
def test_fewer_markers_or_none(more):
    (one,) = observe(device(0.4), motion_of_take(TAKE, **more))
    assert one.best.lag_s == pytest.approx(0.4, abs=0.006)
    assert one.best.log_odds > 2.5


def test_strokes_in_the_air_are_not_heard():
    """Every rest is a wide movement of the bow 60 mm over the string."""
    speed = TAKE.speed_mm_s + np.where(TAKE.lift_mm > 0, 900.0 * np.sqrt(TAKE.lift_mm / 60), 0.0)
    waving = replace(TAKE, speed_mm_s=speed)
    (calm,), (wild,) = observe(device(0.4)), observe(device(0.4), motion_of_take(waving))
    assert wild.best.lag_s == pytest.approx(0.4, abs=0.006)
    assert wild.curve.log_likelihood.max() > 0.7 * calm.curve.log_likelihood.max()
    # Who sees the hand alone cannot tell.
    (hand,) = observe(device(0.4), motion_of_take(waving, violin=(), bow=()))
    assert hand.curve.log_likelihood.max() < 0.5 * calm.curve.log_likelihood.max()


def test_gaps_of_the_markers_are_left_out():
    markers = {label: track.copy() for label, track in PLAYED.markers.items()}
    markers["BOW1"][300:450] = np.nan
    markers["VIO2"][700:760] = np.nan
    (one,) = observe(device(0.4), replace(PLAYED, markers=markers))
    assert one.best.lag_s == pytest.approx(0.4, abs=0.012)
    assert one.best.log_odds > 1.5


def on_strings(motion, lag_s=0.0, *, sign=1.0):
    """A pitch that goes with the bow's tilt, as higher strings do, ``lag_s`` later than it should."""
    (one,) = [device(0.4)]
    rows = np.arange(1200) * 0.01 + 0.4 - lag_s
    tilt = np.interp(rows, motion.times_s, bowing_of(motion).tilt_rad)
    rng = np.random.default_rng(0)
    f0 = 440 * 2 ** ((sign * 30 * tilt + rng.normal(0, 0.5, len(rows))) / 12)
    pitch = PitchTrack(f0, np.full(len(rows), True), np.ones(len(rows)), 0.01)
    return replace(one, sound=replace(one.sound, pitch=pitch))


def test_the_string_that_the_bow_is_on_is_heard_in_the_pitch():
    (plain,), (pitched,) = observe(device(0.4)), observe(on_strings(PLAYED))
    assert pitched.curve.log_likelihood.max() > plain.curve.log_likelihood.max() + 2
    assert pitched.best.lag_s == pytest.approx(0.4, abs=0.006)


@pytest.mark.parametrize("other", [{"lag_s": 1.5}, {"sign": -1.0}], ids=["elsewhere", "mirrored"])
def test_a_pitch_that_does_not_follow_the_strings_adds_nothing(other):
    (plain,), (pitched,) = observe(device(0.4)), observe(on_strings(PLAYED, **other))
    near = np.abs(plain.curve.lag_s - 0.4) < 0.005
    assert pitched.curve.log_likelihood[near].max() < plain.curve.log_likelihood[near].max() + 0.7


def test_windows_show_a_drift():
    """1,000 ppm, ten times what quartz has, so that half a minute shows it."""
    long = take(11, seconds=40.0)
    motion = motion_of_take(long, seconds=32.0)
    heard = Device(
        "C01", sound_of_take(long, 0.2, seconds=32.0, drift_ppm=1000.0), microphone_mm=MICROPHONE_MM - METRES
    )
    (one,) = observe(heard, motion)
    known = np.isfinite(one.windows.lag_s)
    slope, offset = np.polyfit(one.windows.at_s[known], one.windows.lag_s[known], 1)
    assert slope * 1e6 == pytest.approx(1000.0, abs=350.0)
    assert offset == pytest.approx(0.2, abs=0.01)


def test_another_take_is_not_believed():
    for seed in (21, 22):
        sound = sound_of_take(take(seed), 0.0)
        for one in observe(Device("C01", sound)):
            assert all(each.log_odds <= 0 for each in one.hypotheses)


@pytest.mark.parametrize("kind", ["hiss", "metronome", "hum"])
def test_sounds_that_nobody_bowed_are_not_believed(kind):
    rng = np.random.default_rng(0)
    times = np.arange(12 * 8000) / 8000
    samples = 0.003 * rng.standard_normal(len(times))
    if kind == "metronome":
        samples += 0.3 * np.exp(-(times % 0.5) / 0.01) * np.sin(2 * np.pi * 1000 * times)
    if kind == "hum":
        samples += 0.1 * np.sin(2 * np.pi * 200 * times)
    sound = replace(sound_of_take(TAKE, 0.0), samples=samples)
    for one in observe(Device("C01", sound)):
        assert all(each.log_odds <= 0 for each in one.hypotheses)


@pytest.mark.parametrize("level", [0.0, 0.1, 1e-9])
def test_silence_is_not_believed(level):
    silent = Device("C01", replace(sound_of_take(TAKE, 0.0), samples=np.full(12 * 8000, level)))
    trial = TrialEvidence(PLAYED, (silent,))
    for one in playing(trial):
        assert all(each.log_odds <= 0 and each.sigma_s < 24 for each in one.hypotheses)
    assert estimate_clocks(gather(trial, kinds=("playing",))) == {}


def test_a_phone_that_stopped_halfway():
    (one,) = observe(device(0.4, seconds=6.5))
    assert one.best.lag_s == pytest.approx(0.4, abs=0.015)


def test_who_does_not_play_says_nothing():
    count = len(TAKE.speed_mm_s)
    still = motion_of_take(replace(TAKE, speed_mm_s=np.zeros(count)))
    for one in observe(device(0.4), still):
        assert all(each.log_odds <= 0 for each in one.hypotheses)


def test_nothing_to_compare():
    assert list(playing(TrialEvidence(None, (device(0.0),)))) == []
    assert list(playing(TrialEvidence(PLAYED, ()))) == []
    assert observe(Device("C01")) == []
    assert observe(device(0.0, seconds=0.2)) == []
    assert observe(device(0.0), motion_of_take(TAKE, seconds=0.2)) == []


def test_each_device_speaks_for_itself():
    both = (device(0.4), device(-0.6, name="C02", seed=4))
    found = list(playing(TrialEvidence(PLAYED, both)))
    assert [one.a.device for one in found] == ["C01", "C02"]
    np.testing.assert_allclose([one.best.lag_s for one in found], [0.4, -0.6], atol=0.01)
