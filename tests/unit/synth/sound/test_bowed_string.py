from __future__ import annotations

import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.signal import butter, hilbert, sosfiltfilt

from viodat.errors import ConfigError
from viodat.synth.sound.bowed_string import (
    RATE_HZ,
    STRING_MM,
    STRINGS,
    bow_string,
    bow_violin,
    greatest_force_n,
    to_audio_rate,
)
from viodat.synth.sound.violin_body import body_gain_db, radiate

RATE = int(RATE_HZ)


def play(string, f0_hz, speed_mm_s, contact=None, share=0.3, beta=0.1, seed=0, least_n=0.0):
    """Bow with the force that a player would choose for the speed of the stroke."""
    speed = np.asarray(speed_mm_s, dtype=float)
    pitch = np.broadcast_to(np.asarray(f0_hz, dtype=float), speed.shape)
    bridge = beta * STRING_MM * STRINGS[string].open_hz / pitch
    force = np.maximum(
        share * greatest_force_n(string, pitch, np.full(speed.shape, np.abs(speed).max()), bridge), least_n
    )
    on = np.ones(speed.shape, bool) if contact is None else contact
    return bow_string(pitch, speed, force, bridge, on, rng=np.random.default_rng(seed), string=string)


def stroke(seconds, speed_mm_s=250.0, ramp_s=0.06):
    t = np.arange(round(seconds * RATE)) / RATE
    return speed_mm_s * np.clip(t / ramp_s, 0, 1)


def partials(sound, f0_hz, count):
    spectrum = np.abs(np.fft.rfft(sound * np.hanning(sound.size)))
    hertz = np.fft.rfftfreq(sound.size, 1 / RATE)
    return np.array([spectrum[np.abs(hertz - k * f0_hz) < 0.2 * f0_hz].max() for k in range(1, count + 1)])


def autocorrelation_pitch(sound, near_hz):
    """Frequency in Hz from the peak near the tenth period of the autocorrelation, finely sampled."""
    power = np.abs(np.fft.rfft(sound - sound.mean(), 2 * sound.size)) ** 2
    at = 10 * RATE / near_hz
    # Summed from the spectrum at fractions of a sample, because a sawtooth's peak is a corner and no parabola.
    fine = np.arange(at * 0.97, at * 1.03, 0.02)
    hertz = np.fft.rfftfreq(2 * sound.size, 1 / RATE)
    band = (hertz > 0.5 * near_hz) & (hertz < 5.5 * near_hz) & (power > power.max() * 1e-6)
    values = np.cos(2 * np.pi * np.outer(fine / RATE, hertz[band])) @ power[band]
    return 10 * RATE / fine[np.argmax(values)]


def level_db(sound, span_s=0.02):
    span = round(span_s * RATE)
    blocks = sound[: sound.size // span * span].reshape(-1, span)
    return 10 * np.log10(np.mean(blocks**2, axis=1) + 1e-12)


def cents(a, b):
    return 1200 * np.log2(a / b)


NOTES = [
    ("G", 196.0), ("D", 293.66), ("A", 440.0), ("E", 659.26),
    ("G", 233.08), ("G", 293.66), ("D", 415.30), ("A", 587.33), ("E", 987.77), ("E", 1318.51), ("E", 1500.0),
]  # fmt: skip


@pytest.mark.parametrize(("string", "f0_hz"), NOTES)
@pytest.mark.parametrize("speed_mm_s", [150.0, 400.0])
def test_pitch_within_5_cents(string, f0_hz, speed_mm_s):
    sound = play(string, f0_hz, stroke(0.8, speed_mm_s))[RATE // 3 :]
    assert abs(cents(autocorrelation_pitch(sound, f0_hz), f0_hz)) < 5


def test_highest_note_within_10_cents():
    sound = play("E", 2637.0, stroke(0.8))[RATE // 3 :]
    assert abs(cents(autocorrelation_pitch(sound, 2637.0), 2637.0)) < 10


@pytest.mark.parametrize(("string", "f0_hz"), [("G", 196.0), ("D", 330.0), ("A", 494.0), ("E", 784.0)])
def test_helmholtz_motion_makes_a_sawtooth_on_the_bridge(string, f0_hz):
    # β = 0.1: the tenth partial has a node under the bow, those before fall as 1/k.
    level = 20 * np.log10(partials(play(string, f0_hz, stroke(1.0))[RATE // 2 :], f0_hz, 8))
    slope = np.polyfit(np.log2(np.arange(1, 9)), level, 1)[0]
    assert slope == pytest.approx(-6.0, abs=1.0)
    np.testing.assert_allclose(level - level[0], -20 * np.log10(np.arange(1, 9)), atol=3.0)


def test_amplitude_is_that_of_helmholtz_motion():
    # Bridge force of an ideal sawtooth: peak to peak 2 Z v / β, so an RMS of 2 Z v / (β √12).
    speed, beta = 250.0, 0.1
    sound = play("A", 440.0, stroke(1.0, speed), beta=beta)[RATE // 2 :]
    ideal = 2 * STRINGS["A"].impedance_kg_s * speed / 1000 / beta / np.sqrt(12)
    assert sound.std() == pytest.approx(ideal, rel=0.15)


def test_no_sound_without_bow():
    n = RATE // 2
    nothing = bow_string(
        np.full(n, 440.0),
        np.full(n, 300.0),
        np.ones(n),
        np.full(n, 30.0),
        np.zeros(n, bool),
        rng=np.random.default_rng(0),
    )
    assert not nothing.any()
    contact = np.arange(n) >= n // 2
    late = play("A", 440.0, np.full(n, 200.0), contact)
    assert not late[: n // 2 - 50].any()  # 50: the decimation filter looks ahead by less
    assert late[n // 2 + 2000 :].std() > 0.05


def test_a_resting_bow_makes_no_sound():
    n = RATE // 2
    rest = bow_string(
        np.full(n, 440.0), np.zeros(n), np.ones(n), np.full(n, 30.0), np.ones(n, bool), rng=np.random.default_rng(0)
    )
    assert np.abs(rest).max() < 1e-9


def test_bow_speed_in_either_direction_sounds_alike():
    down, up = play("D", 330.0, stroke(0.6)), play("D", 330.0, -stroke(0.6))
    assert down[RATE // 3 :].std() == pytest.approx(up[RATE // 3 :].std(), rel=0.02)


@pytest.mark.parametrize(("f0_hz", "low_s", "high_s"), [(440.0, 0.8, 2.2), (554.37, 0.3, 0.9)])
def test_lifted_bow_leaves_the_string_ringing(f0_hz, low_s, high_s):
    speed = stroke(1.6)
    contact = np.arange(speed.size) < 0.6 * RATE
    sound = play("A", f0_hz, speed, contact)
    level = level_db(sound)
    playing, after = level[20:29].mean(), level[32:52]
    assert playing - 25 < level[32] < playing + 1
    t60_s = -60 / np.polyfit(np.arange(after.size) * 0.02, after, 1)[0]
    assert low_s < t60_s < high_s
    ringing = sound[round(0.65 * RATE) : round(0.95 * RATE)]
    assert abs(cents(autocorrelation_pitch(ringing, f0_hz), f0_hz)) < 3


def test_a_stopped_bow_damps_what_a_lifted_one_leaves_ringing():
    speed = stroke(1.0)
    half = np.arange(speed.size) < 0.6 * RATE
    lifted = play("A", 440.0, speed, half)
    stopped = play("A", 440.0, np.where(half, speed, 0.0))
    late = slice(round(0.75 * RATE), None)
    assert level_db(stopped[late]).max() < level_db(lifted[late]).max() - 10


def test_bow_change_is_a_transient():
    t = np.arange(round(1.2 * RATE)) / RATE
    speed = 250 * np.clip((0.6 - t) / 0.03, -1, 1)
    sound = play("A", 440.0, speed, share=0.35)
    change, steady = slice(round(0.57 * RATE), round(0.68 * RATE)), slice(round(0.3 * RATE), round(0.5 * RATE))
    level = level_db(sound, 0.01)
    assert level[57:64].min() < level[30:50].mean() - 6
    # Outside the partials there is more power while the motion turns over than in the steady tone.
    comb = 1 / 440.0 * RATE

    def unpeeled(part):
        shift = round(5 * comb)
        return np.mean((part[shift:] - part[:-shift]) ** 2) / np.mean(part**2)

    assert unpeeled(sound[change]) > 5 * unpeeled(sound[steady])
    after = sound[round(0.8 * RATE) :]
    assert abs(cents(autocorrelation_pitch(after, 440.0), 440.0)) < 5


@pytest.mark.parametrize("wander_s", [0.0, 0.4])
def test_level_follows_bow_speed_in_detache(wander_s):
    t = np.arange(6 * RATE) / RATE
    stroke_s = 0.5 + wander_s * np.sin(t) / 6
    phase = np.cumsum(1 / stroke_s) / RATE
    size = 120 + 80 * np.sin(2 * np.pi * 0.23 * t)
    speed = size * 2 * np.sin(np.pi * phase)
    pressure = radiate(play("A", 523.25, speed, least_n=0.1))
    loud = np.sqrt(10 ** (level_db(pressure) / 10))
    fast = np.abs(speed)[: loud.size * 882].reshape(loud.size, -1).mean(axis=1)
    assert np.corrcoef(fast, loud)[0, 1] > 0.7
    assert abs(np.corrcoef(np.random.default_rng(0).permutation(fast), loud)[0, 1]) < 0.2


@pytest.mark.parametrize(("rate_hz", "extent"), [(4.5, 10.0), (5.5, 25.0), (6.5, 40.0), (7.5, 60.0)])
def test_vibrato_is_recovered(rate_hz, extent):
    t = np.arange(2 * RATE) / RATE
    pitch = 587.33 * 2 ** (extent / 1200 * np.sin(2 * np.pi * rate_hz * t))
    pressure = radiate(play("A", pitch, stroke(2.0)))
    band = butter(4, [587.33 * 0.7, 587.33 * 1.4], "bandpass", fs=RATE, output="sos")
    phase = np.unwrap(np.angle(hilbert(sosfiltfilt(band, pressure))))
    hertz = sosfiltfilt(butter(2, 15.0, fs=RATE, output="sos"), np.gradient(phase) * RATE / 2 / np.pi)
    smooth = cents(hertz[RATE // 2 : -RATE // 4], 587.33)
    basis_at = np.arange(3.5, 8.5, 0.02)
    at = np.arange(smooth.size) / RATE
    fits = []
    for hertz in basis_at:
        columns = np.stack([np.sin(2 * np.pi * hertz * at), np.cos(2 * np.pi * hertz * at), np.ones(at.size)], axis=1)[
            ::50
        ]
        solution = np.linalg.lstsq(columns, smooth[::50], rcond=None)[0]
        fits.append((np.sum((columns @ solution - smooth[::50]) ** 2), np.hypot(*solution[:2])))
    best = int(np.argmin([residual for residual, _ in fits]))
    assert basis_at[best] == pytest.approx(rate_hz, abs=0.2)
    assert fits[best][1] == pytest.approx(extent, abs=max(5.0, 0.12 * extent))


def test_vibrato_swings_the_amplitude_through_the_body_alone():
    t = np.arange(2 * RATE) / RATE
    pitch = 450.0 * 2 ** (40 / 1200 * np.sin(2 * np.pi * 6 * t))
    string = play("A", pitch, stroke(2.0))

    def swing_db(sound):
        band = butter(4, [315.0, 630.0], "bandpass", fs=RATE, output="sos")
        envelope = 20 * np.log10(np.abs(hilbert(sosfiltfilt(band, sound))))[RATE // 2 : -RATE // 2]
        carrier = np.exp(2j * np.pi * 6 * np.arange(envelope.size) / RATE)
        return 2 * np.abs(np.mean((envelope - envelope.mean()) * carrier))

    assert swing_db(radiate(string)) > 4 * swing_db(string)
    assert swing_db(radiate(string)) > 1.0


def test_strings_left_ring_on_while_the_next_is_bowed():
    n = RATE
    string = np.where(np.arange(n) < n // 2, 2, 3)
    pitch = np.where(string == 2, 440.0, 659.26)
    speed, contact = stroke(1.0), np.ones(n, bool)
    both = bow_violin(string, pitch, speed, np.full(n, 0.45), np.full(n, 32.0), contact, rng=np.random.default_rng(1))
    after = both[round(0.55 * n) : round(0.75 * n)]
    spectrum = np.abs(np.fft.rfft(after * np.hanning(after.size), 8 * n))
    hertz = np.fft.rfftfreq(8 * n, 1 / RATE)
    old, new, neither = (spectrum[np.abs(hertz - at) < 8].max() for at in (440.0, 659.26, 540.0))
    assert new > old > 10 * neither


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**31))
def test_energy_is_bounded_whatever_the_player_does(seed):
    rng = np.random.default_rng(seed)
    controls, n = 60, 15_000
    hold = np.minimum(np.arange(n) * controls // n, controls - 1)

    def wild(low, high):
        return rng.uniform(low, high, controls)[hold]

    sound = bow_violin(
        rng.integers(0, 4, controls)[hold],
        700 * 2 ** wild(-1.9, 2.4),
        wild(-1500, 1500),
        wild(0, 6) * (rng.random(controls) < 0.9)[hold],
        wild(0, 400),
        (rng.random(controls) < 0.8)[hold],
        rng=rng,
    )
    assert np.isfinite(sound).all()
    # A bow of 6 N can't do more than a few times its greatest friction on each string.
    assert np.abs(sound).max() < 4 * 6 * 0.8 * 5


def test_same_seed_same_samples():
    first, again, other = (play("A", 440.0, stroke(0.3), seed=seed) for seed in (7, 7, 8))
    np.testing.assert_array_equal(first, again)
    assert np.abs(first - other).max() > 1e-6


def test_many_times_faster_than_real_time():
    play("A", 440.0, stroke(0.1))
    speed = stroke(4.0)
    started = time.process_time()
    play("A", 440.0, speed)
    assert time.process_time() - started < 4.0 / 5, "a sixtieth of real time was measured"


def test_body_has_its_modes_and_no_gain_at_zero():
    low, a0, b1, high = body_gain_db(np.array([100.0, 278.0, 545.0, 15_000.0]))
    assert a0 > low + 6
    assert b1 > low + 6
    assert high < b1 - 10
    hertz = np.array([500.0, 1700.0])
    t = np.arange(RATE) / RATE
    for at, gain_db in zip(hertz, body_gain_db(hertz), strict=True):
        steady = radiate(np.sin(2 * np.pi * at * t))[RATE // 2 :]
        assert 20 * np.log10(steady.std() * np.sqrt(2)) == pytest.approx(gain_db, abs=0.05)


def test_to_audio_rate():
    control = np.sin(2 * np.pi * 6 * np.arange(1000) / 1000)
    audio = to_audio_rate(control)
    assert audio.shape == (44_100,)
    np.testing.assert_allclose(audio[:44_000], np.sin(2 * np.pi * 6 * np.arange(44_000) / 44_100), atol=2e-4)
    contact = to_audio_rate(np.array([False, True, True, False]))
    assert contact.dtype == bool
    assert contact.tolist() == [k / 44.1 >= 0.5 and k / 44.1 < 2.5 for k in range(176)]
    assert to_audio_rate(np.array([0, 3, 3])).dtype.kind == "i"
    with pytest.raises(ConfigError, match="expected"):
        to_audio_rate(np.zeros((3, 2)))


def test_pitch_that_is_missing_holds():
    n = RATE // 2
    pitch = np.full(n, 440.0)
    gone = pitch.copy()
    gone[n // 2 :] = np.nan
    args = (stroke(0.5), np.full(n, 0.5), np.full(n, 32.0), np.ones(n, bool))
    np.testing.assert_array_equal(
        bow_string(pitch, *args, rng=np.random.default_rng(0)), bow_string(gone, *args, rng=np.random.default_rng(0))
    )


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"f0_hz": np.full(100, 20.0)}, "180–4000 Hz"),
        ({"f0_hz": np.full(100, np.nan)}, "NaN throughout"),
        ({"bow_force_n": np.full(100, -1.0)}, "negative"),
        ({"bow_speed_mm_s": np.full(100, np.inf)}, "not finite"),
        ({"bow_bridge_mm": np.zeros(99)}, "expected"),
    ],
)
def test_impossible_controls_are_refused(change, words):
    controls = {
        "f0_hz": np.full(100, 440.0),
        "bow_speed_mm_s": np.zeros(100),
        "bow_force_n": np.ones(100),
        "bow_bridge_mm": np.full(100, 30.0),
        "contact": np.ones(100, bool),
    }
    with pytest.raises(ConfigError, match=words):
        bow_string(**(controls | change), rng=np.random.default_rng(0))


def test_unknown_string_is_refused():
    with pytest.raises(ConfigError, match="no string 'B'"):
        greatest_force_n("B", 440.0, 250.0, 30.0)
