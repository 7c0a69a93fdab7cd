import numpy as np

from viodat.clock import ClockMap


def test_offset_and_drift():
    clock = ClockMap(offset_s=-1.5, drift_ppm=40.0)
    np.testing.assert_allclose(clock.apply([0.0, 1000.0]), [-1.5, 998.54], atol=1e-12)


def test_nanoseconds_are_exact_after_an_hour():
    assert ClockMap(offset_s=0.25).apply_ns(3600.0 + 1 / 3) == 3600_583_333_333


def test_nobody_stated_an_uncertainty():
    assert np.isnan(ClockMap(offset_s=0.0).sigma_s([0.0, 1.0])).all()
