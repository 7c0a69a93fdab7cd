"""At which frequencies a prediction errs, against sines and noise of known size."""

import numpy as np
import pytest

from viodat.metrics import jitter_spectrum, vibrato_band_error


def poses(error_mm: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Two joints of which the first errs along one axis."""
    target = np.random.default_rng(0).normal(scale=100, size=(len(error_mm), 2, 3)).cumsum(axis=0)
    pred = target.copy()
    pred[:, 0, 1] += error_mm
    return pred, target


@pytest.mark.parametrize("rate_hz", [30.0, 29.97, 100.0])
@pytest.mark.parametrize(("hz", "inside"), [(5.0, True), (6.3, True), (7.0, True), (1.5, False), (12.0, False)])
def test_a_vibrato_that_is_missed_is_found_by_its_size(rate_hz, hz, inside):
    times = np.arange(round(20 * rate_hz)) / rate_hz
    pred, target = poses(8.0 * np.sin(2 * np.pi * hz * times))
    found = vibrato_band_error(pred[:, :1], target[:, :1], rate_hz=rate_hz)
    assert found == pytest.approx(8.0 / np.sqrt(2), rel=0.01) if inside else found < 0.1
    assert vibrato_band_error(pred, target, rate_hz=rate_hz) == pytest.approx(found / 2)


def test_the_density_adds_up_to_the_variance_and_is_flat_for_noise():
    rng = np.random.default_rng(1)
    pred, target = poses(rng.normal(scale=3.0, size=60_000))
    hz, density = jitter_spectrum(pred, target, rate_hz=100.0)
    assert density.shape == (2, len(hz))
    assert density[0].sum() * (hz[1] - hz[0]) == pytest.approx(9.0, rel=0.02)
    assert density[0, 2:-1] == pytest.approx(9.0 / 50.0, rel=0.25)
    assert density[1].max() < 1e-20


def test_a_constant_error_is_no_jitter():
    pred, target = poses(np.full(300, 40.0))
    assert vibrato_band_error(pred, target, rate_hz=30.0) < 1e-9


def test_only_pieces_count_of_which_all_frames_do():
    times = np.arange(600) / 30
    pred, target = poses(8.0 * np.sin(2 * np.pi * 6 * times))
    valid = np.ones((600, 2), dtype=bool)
    pred[300:] += 500 * np.sin(np.arange(300))[:, None, None]
    valid[299:] = False
    assert vibrato_band_error(pred[:, :1], target[:, :1], valid[:, :1], rate_hz=30.0) == pytest.approx(5.66, abs=0.05)
    valid[::40] = False
    assert np.isnan(vibrato_band_error(pred, target, valid, rate_hz=30.0))
    assert np.isnan(jitter_spectrum(pred, target, valid, rate_hz=30.0)[1]).all()


def test_a_rate_that_cannot_hold_a_vibrato_has_no_number():
    pred, target = poses(np.ones(300))
    assert np.isnan(vibrato_band_error(pred, target, rate_hz=15.0))
