from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from tests.unit.synth.music.takes import RATE_HZ, SEEDS, control, take
from viodat.errors import ConfigError
from viodat.synth.music.bowing import plan_bow
from viodat.synth.music.control import control_signals
from viodat.synth.music.score import LEVELS, STYLES

KINDS = [(level, style) for level in LEVELS for style in STYLES]
HAND_M_S2 = 40.0
C2 = ("bow_mm", "bow_speed", "bow_force", "lift_mm", "bridge_mm", "incline_rad", "hand_mm", "press", "dynamic")


def every_take(*kinds):
    for level, style in kinds or KINDS:
        for seed in SEEDS:
            yield take(level, style, seed), control(level, style, seed)


def middles(performance):
    return [(n.onset_s + n.offset_s) / 2 for n in performance.notes]


def derivative(x, order=1):
    for _ in range(order):
        x = np.gradient(x, 1 / RATE_HZ, axis=0)
    return x


def test_the_bow_never_runs_off_its_hair():
    for performance, c in every_take():
        assert c.bow_mm.min() >= 20.0
        assert c.bow_mm.max() <= performance.player.hair_mm - 20.0


def test_bow_speed_is_the_derivative_of_bow_position():
    for _, c in every_take():
        # Simpson's rule on the samples, an oracle apart from the splines.
        h, v = 1 / RATE_HZ, c.bow_speed
        integral = h / 3 * (v[:-2:2] + 4 * v[1:-1:2] + v[2::2])
        np.testing.assert_allclose(c.bow_mm[0] + np.cumsum(integral), c.bow_mm[2::2], atol=0.01)


def test_bow_turns_where_notes_change_bow_and_nowhere_else():
    for performance, c in every_take():
        inside = np.array([np.linspace(n.onset_s, n.offset_s, 22)[1:-1] for n in performance.notes])
        sign = np.array([1 if n.bow_direction == "down" else -1 for n in performance.notes])
        assert (sign[:, None] * c.at(inside.ravel()).bow_speed.reshape(inside.shape) > 0).all()
        contiguous = [b.onset_s for a, b in pairwise(performance.notes) if a.offset_s == b.onset_s and not b.slurred]
        assert np.abs(c.at(contiguous).bow_speed).max(initial=0.0) < 1.0


def test_bow_speeds_and_strokes_are_those_of_players():
    peaks = []
    for performance, c in every_take():
        peaks.append(np.abs(c.bow_speed).max())
        for move in plan_bow(performance):
            if move.on_string:
                length = abs(move.to_mm - move.from_mm)
                assert 15 <= length <= 600
                assert length / (move.end_s - move.start_s) > 40
    assert max(peaks) < 3000
    long_bows = np.concatenate([np.abs(c.bow_speed[c.playing]) for _, c in every_take(("advanced", "study"))])
    assert 100 < np.median(long_bows) < 800
    whole = [np.abs(c.bow_speed).max() for _, c in every_take(("advanced", "free"))]
    assert max(whole) > 1000


def test_both_hands_accelerate_as_hands_can():
    for _, c in every_take():
        # The bow hand moves in the plane of the bow: distance from the string and incline are polar coordinates.
        x, y = c.bow_mm * np.cos(c.incline_rad), c.bow_mm * np.sin(c.incline_rad)
        bow_hand = np.hypot(derivative(x, 2), derivative(y, 2))[2:-2]
        assert bow_hand.max() / 1000 < HAND_M_S2
        assert np.abs(derivative(c.hand_mm, 2))[2:-2].max() / 1000 < HAND_M_S2


@pytest.mark.parametrize("name", C2)
def test_movements_are_twice_continuously_differentiable(name):
    """Ever shorter steps must shrink the second derivative's jumps: a kink would leave them as they are."""
    for _, c in every_take(("advanced", "study"), ("intermediate", "free")):
        jumps = []
        for rate in (500.0, 4000.0):
            x = getattr(c.at(np.arange(2.0, 12.0, 1 / rate)), name)
            second = np.diff(x, 2, axis=0) * rate**2
            jumps.append(np.abs(np.diff(second, axis=0)).max())
        assert jumps[1] <= jumps[0] / 2.5


def test_jerk_is_bounded():
    for _, c in every_take():
        assert np.abs(derivative(c.bow_speed, 2)).max() / 1000 < 3000


def test_rests_lift_the_bow():
    rests = 0
    for performance, c in every_take():
        notes = performance.notes
        gaps = [(a.offset_s, b.onset_s) for a, b in pairwise(notes)]
        for start, end in [(0.0, notes[0].onset_s), *gaps, (notes[-1].offset_s, performance.seconds)]:
            if end - start > 0.5:
                rests += 1
                inside = c.at(np.linspace(start, end, 50))
                assert inside.lift_mm.max() > 20
                assert not inside.playing[1:-1].any()
                assert inside.bow_force[inside.lift_mm > 0.1].max() < 1e-6
    assert rests > 50


def test_notes_sound_with_the_hair_on_the_string():
    for performance, c in every_take():
        assert c.lift_mm[c.playing].max() < 1e-3
        middle = c.at(middles(performance))
        assert (middle.bow_force > 0.2).all()
        assert (middle.bow_force < 3.0).all()
        assert middle.playing.all()
        assert middle.note.tolist() == list(range(len(performance.notes)))
        assert c.bridge_mm.min() > 8
        assert c.bridge_mm.max() < 60


def test_spiccato_bounces():
    bounces = []
    for performance, c in every_take(("advanced", "study")):
        notes = performance.notes
        for a, b in pairwise(notes):
            if a.articulation == b.articulation == "spiccato":
                flight = c.at(np.linspace(a.offset_s, b.onset_s, 21))
                bounces.append(flight.lift_mm.max())
                assert flight.bow_force[1:-1].max() < 1e-3
                # The bow turns in the air.
                assert flight.bow_speed[0] * flight.bow_speed[-1] < 0
    assert len(bounces) > 50
    assert min(bounces) > 1.0
    assert max(bounces) <= 10.01


def test_string_crossings_span_the_bridge():
    for performance, c in every_take(("advanced", "study"), ("novice", "study")):
        expected = np.radians([23.8, 7.7, -7.7, -23.8])
        middle = c.at(middles(performance))
        assert ["GDAE"[i] for i in middle.string] == [n.string for n in performance.notes]
        # However short the note, the bow then touches its own string and not the next.
        np.testing.assert_array_equal(np.argmin(np.abs(expected - middle.incline_rad[:, None]), axis=1), middle.string)
        assert np.degrees(np.abs(c.incline_rad)).max() < 25


def test_pitch_follows_the_finger():
    for performance, c in every_take():
        length = performance.player.string_mm
        opened = 440 * 2 ** ((np.array([55, 62, 69, 76])[c.string] - 69) / 12)
        np.testing.assert_allclose(c.f0_hz * (length - c.stop_mm), opened * length, rtol=1e-12)
        assert (c.stop_mm[c.finger == 0] == 0).all()
        early = c.at([n.onset_s + 0.02 for n in performance.notes]).f0_hz
        for note, hz in zip(performance.notes, early, strict=True):
            if np.isnan(note.vibrato_hz):
                assert 1200 * np.log2(hz / 440) == pytest.approx(100 * (note.midi - 69) + note.error_cents, abs=0.5)


def fitted_vibrato(times, cents):
    """Rate and extent of the sine that fits best, from a search over rates."""
    rates = np.arange(3.5, 8.5, 0.01)
    best = (np.inf, 0.0, 0.0)
    for rate in rates:
        angle = 2 * np.pi * rate * times
        basis = np.stack([np.sin(angle), np.cos(angle), np.ones_like(angle)], axis=1)
        solution, *_ = np.linalg.lstsq(basis, cents, rcond=None)
        best = min(best, (float(np.sum((basis @ solution - cents) ** 2)), rate, float(np.hypot(*solution[:2]))))
    return best[1:]


def test_vibrato_can_be_recovered_from_the_pitch():
    recovered = 0
    for performance, c in every_take(("advanced", "study"), ("intermediate", "free")):
        notes = performance.notes
        for note, after in pairwise(notes):
            if np.isnan(note.vibrato_hz) or after.position != note.position:
                continue
            times = np.arange(note.onset_s + 0.2, note.offset_s - 0.1, 0.005)
            at = c.at(times)
            rate, extent = fitted_vibrato(times, 1200 * np.log2(at.f0_hz / 440))
            assert rate == pytest.approx(note.vibrato_hz, abs=0.2)
            assert extent == pytest.approx(note.vibrato_cents, abs=max(5.0, 0.12 * note.vibrato_cents))
            if len(times) > 60:
                assert 2.8 < np.ptp(at.hand_mm) / 2 < 10.1
            recovered += 1
    assert recovered > 30


def test_shifts_carry_the_hand():
    for performance, c in every_take(("advanced", "study")):
        places = {p: 328 * (1 - 2 ** (-s / 12)) for p, s in {1: 2, 3: 5, 5: 9}.items()}
        for note, hand in zip(performance.notes, c.at([n.onset_s for n in performance.notes]).hand_mm, strict=True):
            assert hand == pytest.approx(places[note.position], abs=0.1)


def test_the_finger_in_use_is_down_from_the_onset_on():
    for performance, c in every_take():
        stopped = [n for n in performance.notes if n.finger]
        if stopped:
            used = np.array([n.finger - 1 for n in stopped])
            rows = np.arange(len(stopped))
            for times in ([n.onset_s for n in stopped], [n.offset_s - 1e-3 for n in stopped]):
                assert c.at(times).press[rows, used].min() > 0.999


def test_novices_bow_less_straight_and_less_evenly():
    skew, uneven = {}, {}
    for level in ("novice", "advanced"):
        skew[level] = np.median([np.ptp(c.skew_rad) for _, c in every_take((level, "free"))])
        rough = []
        for performance, c in every_take((level, "free")):
            for move in plan_bow(performance):
                if move.on_string and move.end_s - move.start_s > 1.0:
                    inner = c.at(np.linspace(move.start_s + 0.2, move.end_s - 0.2, 50)).bow_speed
                    rough.append(inner.std() / abs(inner.mean()))
        uneven[level] = np.median(rough)
    assert skew["novice"] > 2 * skew["advanced"]
    assert uneven["novice"] > 2 * uneven["advanced"]


def test_a_smaller_violin_has_a_smaller_bow():
    c = control("advanced", "free", 0, 0.6)
    assert c.bow_mm.max() <= 0.6 * 650 - 20
    assert take("advanced", "free", 0, 0.6).player.string_mm == pytest.approx(196.8)


def test_any_times_give_the_same_signals():
    c = control("advanced", "study", 0)
    pick = np.random.default_rng(0).permutation(len(c.times_s))[:500]
    again = c.at(c.times_s[pick])
    for name in (*C2, "stop_mm", "f0_hz", "string", "finger", "note", "playing", "skew_rad"):
        np.testing.assert_array_equal(getattr(again, name), getattr(c, name)[pick])


def test_outside_the_recording_everything_holds_still():
    performance, c = take("advanced", "free", 1), control("advanced", "free", 1)
    outside = c.at([-5.0, -0.01, performance.seconds + 0.01, performance.seconds + 5])
    assert not outside.playing.any()
    assert outside.lift_mm == pytest.approx(30.0)
    assert outside.bow_speed == pytest.approx(0.0, abs=1e-9)
    np.testing.assert_array_equal(outside.bow_mm[[0, 2]], outside.bow_mm[[1, 3]])


def test_same_seed_same_arrays_bit_for_bit():
    first, second = (control_signals(take.__wrapped__("advanced", "free", 2), 200.0) for _ in range(2))
    for name in (*C2, "f0_hz", "note"):
        assert getattr(first, name).tobytes() == getattr(second, name).tobytes()
    assert first.times_s.shape == (4000,)


@pytest.mark.parametrize("rate", [0.0, -100.0, float("nan"), 1e9])
def test_a_rate_that_makes_no_grid_is_refused(rate):
    with pytest.raises(ConfigError, match="Hz"):
        control_signals(take("novice", "study", 0), rate)
