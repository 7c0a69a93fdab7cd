"""What the panels compute before they draw: gaps, envelopes and the places of labels."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from viodat.report.panels import envelope, gap_rows, has_heights, missing_runs, spread, voiced

heights = st.lists(st.floats(-1e4, 1e4, allow_nan=False), min_size=1, max_size=14)


@given(heights, st.floats(0.0, 500.0))
def test_spread_labels_keep_order_and_distance(values: list[float], least: float) -> None:
    low, high = -2e4, 2e4
    placed = spread(values, least, low, high)
    order = np.argsort(values, kind="stable")
    assert np.diff(placed[order]).min(initial=np.inf) >= least - 1e-6
    assert placed.min() >= low - 1e-6
    assert placed.max() <= high + 1e-6


def test_spread_moves_no_more_than_it_must() -> None:
    # Two labels at the same height part evenly; a distant one stays where it is.
    assert spread([100.0, 100.0, 900.0], 20.0, 0.0, 1000.0) == pytest.approx([90.0, 110.0, 900.0])
    assert spread([100.0, 300.0], 20.0, 0.0, 1000.0) == pytest.approx([100.0, 300.0])


def test_spread_spaces_evenly_what_cannot_fit() -> None:
    assert spread([5.0, 5.0, 5.0], 100.0, 0.0, 10.0) == pytest.approx([0.0, 5.0, 10.0])
    assert spread([], 1.0, 0.0, 1.0).shape == (0,)


def test_rows_are_markers_with_gaps_worst_first() -> None:
    valid = np.ones((10, 4), dtype=bool)
    valid[0, 1] = valid[:3, 3] = False
    assert gap_rows(valid).tolist() == [3, 1]
    assert gap_rows(np.ones((10, 0), dtype=bool)).tolist() == []


def test_runs_of_missing_frames() -> None:
    valid = np.array([0, 1, 1, 0, 0, 1, 1, 1, 0], dtype=bool)
    assert missing_runs(valid) == [(0, 1), (3, 5), (8, 9)]
    assert missing_runs(np.ones(4, dtype=bool)) == []
    assert missing_runs(np.zeros(4, dtype=bool)) == [(0, 4)]


def test_a_gap_of_one_frame_in_a_long_trial_stays_visible() -> None:
    valid = np.ones(50_000, dtype=bool)
    valid[[20_000, 20_010]] = False
    assert missing_runs(valid, least=45) == [(19_978, 20_033)]
    valid[:] = True
    valid[-1] = False
    assert missing_runs(valid, least=45)[0][1] == 50_000


def test_envelope_of_a_sine_has_its_amplitude_and_level() -> None:
    rate = 44_100.0
    samples = 0.5 * np.sin(2 * np.pi * 441 * np.arange(int(2 * rate)) / rate)
    times, least, greatest, rms = envelope(samples, rate, start_s=1.0, span_s=(0.0, 4.0), bins=400)
    inside = (times > 1.02) & (times < 2.98)
    assert greatest[inside] == pytest.approx(0.5, abs=1e-3)
    assert least[inside] == pytest.approx(-0.5, abs=1e-3)
    assert rms[inside] == pytest.approx(0.5 / np.sqrt(2), rel=0.05)
    assert np.isnan(rms[(times < 0.99) | (times > 3.01)]).all()


@pytest.mark.parametrize("start_s", [-0.35, 0.0, 0.1237, 0.9])
def test_envelope_uses_each_sample_in_its_own_bin(start_s: float) -> None:
    rate = 1000.0
    samples = np.random.default_rng(1).normal(size=700)
    times, least, greatest, rms = envelope(samples, rate, start_s, (0.0, 1.0), bins=50)
    at = start_s + np.arange(700) / rate
    for k, centre in enumerate(times):
        members = samples[(at >= centre - 0.01 - 1e-12) & (at < centre + 0.01 - 1e-12)]
        if members.size == 0:
            assert np.isnan(rms[k])
            continue
        assert greatest[k] == members.max()
        assert least[k] == members.min()
        assert rms[k] == pytest.approx(np.sqrt((members**2).mean()))


def test_envelope_without_overlap_is_nan() -> None:
    assert np.isnan(envelope(np.ones(100), 100.0, 50.0, (0.0, 1.0))[3]).all()


def test_fingers_alone_are_no_heights() -> None:
    joints_mm = np.full((4, 18, 3), np.nan)
    joints_mm[:, 12:] = 1000.0
    assert not has_heights(joints_mm)
    joints_mm[2, 5] = 1000.0
    assert has_heights(joints_mm)


def test_voiced_frames_have_a_pitch_within_the_span() -> None:
    times_s = np.array([-1.0, 0.0, 0.5, 1.0, 1.5])
    f0_hz = np.array([440.0, np.nan, 440.0, 0.0, 440.0])
    assert voiced(times_s, f0_hz, (0.0, 1.0)).tolist() == [False, False, True, False, False]
