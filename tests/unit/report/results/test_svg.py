"""Drawings: scales, ticks, lines that break at gaps, and excerpts chosen by the truth."""

from __future__ import annotations

import numpy as np
import pytest

from viodat.report.results import svg
from viodat.report.results.courses import running_mean, telling
from viodat.report.results.curves import last_tenth
from viodat.report.results.values import decimals, fixed, known, p_text, parameters_text

NAN = float("nan")


def test_a_line_never_crosses_a_gap():
    drawn = svg.line(np.arange(6.0), np.array([0, 1, NAN, 3, NAN, 5]), "#000000")
    assert 'd="M0 0L1 1M3 3h0M5 5h0"' in drawn
    assert svg.line(np.arange(3.0), np.full(3, NAN), "#000000") == ""


def test_a_long_line_keeps_its_extremes():
    x = np.linspace(0, 100, 20_001)
    y = np.sin(x)
    y[12_345] = 40.0
    y[500:700] = NAN
    kept_x, kept_y = svg._thinned(x, y)
    assert len(kept_x) < 1000
    assert kept_y[np.isfinite(kept_y)].max() == 40.0
    assert np.isnan(kept_y).any()
    assert kept_x[0] == 0
    assert kept_x[-1] == 100


@pytest.mark.parametrize(
    ("low", "high", "log"),
    [(0, 1, False), (-3, 7, False), (1e-7, 3e-7, False), (0.02, 1.3, True), (44, 46, True), (1, 1e6, True)],
)
def test_ticks_are_few_and_within(low, high, log):
    found = svg.ticks(svg.Scale(low, high, 0, 100, log=log), 5)
    assert 1 <= len(found) <= 5
    assert all(low <= one <= high * (1 + 1e-9) for one in found)


@pytest.mark.parametrize("values", [[], [NAN], [3.0], [0.0, 0.0], [-2.0, 5.0]])
@pytest.mark.parametrize("log", [False, True])
def test_a_scale_holds_any_values(values, log):
    scale = svg.scale(np.array(values, dtype=float), 100, 0, log=log)
    assert scale.low < scale.high
    places = scale.of(np.array(values, dtype=float))
    finite = places[np.isfinite(places)]
    assert ((finite >= -1e-9) & (finite <= 100 + 1e-9)).all()


def test_the_stretch_is_where_the_truth_moves_most():
    time = np.arange(0, 60, 0.1)
    truth = np.where((time > 30) & (time < 40), np.sin(9 * time), 0.0)
    shown = telling(time, truth, 10.0)
    assert time[shown][0] == pytest.approx(30, abs=0.5)
    assert telling(time[:50], truth[:50], 10.0) == slice(0, 50)


def test_the_running_mean_keeps_gaps():
    time = np.arange(100) / 10
    values = np.where(np.arange(100) == 50, NAN, 2.0)
    mean = running_mean(time, values)
    assert np.isnan(mean[50])
    assert np.nanmax(np.abs(mean - 2.0)) < 1e-12


def test_the_last_tenth():
    assert last_tenth(np.r_[np.full(80, 50.0), np.full(10, 41.0), np.full(10, 40.5)]) == pytest.approx(-0.5)
    assert last_tenth(np.array([NAN, 3.0])) is None
    assert last_tenth(np.zeros(0)) is None


def test_numbers_are_written_for_people():
    assert [parameters_text(n) for n in (None, 0, 999, 4_060_000, 33_600_000)] == ["–", "0", "999", "4.06 M", "33.6 M"]
    assert [p_text(p) for p in (None, 0.25, 0.03125, 1e-5)] == ["–", "0.25", "0.031", "<0.001"]
    assert fixed(-0.001, 2) == "0.00"
    assert fixed(-1.25, 1, sign=True) == "−1.2"
    assert [decimals(one) for one in ([None], [300.0, 120.0], [45.0, 46.0, 160.0], [0.9])] == [2, 1, 2, 3]
    assert [known(one) for one in (True, "3", NAN, 2)] == [None, None, None, 2.0]
