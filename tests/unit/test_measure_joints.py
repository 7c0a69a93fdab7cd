"""What docs/measure_joints.py computes of errors: coverage, spectra, intervals, and a body that is another one."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from viodat.synth import TwinOptions
from viodat.synth.lab import marker_motion, marker_set
from viodat.synth.plan import Stream, generator, people
from viodat.synth.player import anatomy

DOCS = Path(__file__).resolve().parents[2] / "docs"


@pytest.fixture(scope="module")
def measure():
    """The script, imported as it imports its neighbour: from its own folder."""
    with pytest.MonkeyPatch.context() as patched:
        patched.syspath_prepend(str(DOCS))
        yield importlib.import_module("measure_joints")
    for name in ("measure_joints", "joint_captures"):
        del sys.modules[name]


@pytest.fixture(scope="module")
def captures(measure):
    return sys.modules["joint_captures"]


def test_coverage_of_a_normal_error(measure: ModuleType):
    rng = np.random.default_rng(1)
    sigma = rng.uniform(1, 5, (4000, 3))
    error = sigma[..., None] * rng.standard_normal((4000, 3, 3))
    error[::7], sigma[::5] = np.nan, np.nan
    assert measure.within(error, sigma) == pytest.approx((0.6827, 0.9545), abs=0.008)
    assert measure.within(error, sigma / 2)[1] == pytest.approx(0.6827, abs=0.008)
    assert np.isnan(measure.within(error[::7], sigma[::7])).all()


@pytest.mark.parametrize(("gain", "delay_ms"), [(1.0, 0.0), (0.9, 2.0), (1.1, -4.0)])
def test_response_finds_gain_and_delay_of_a_vibrato(measure: ModuleType, gain, delay_ms):
    t = np.arange(1200) / 100
    ways = np.array([3.0, -1.0, 2.0])

    def motion(of: float, at_s: np.ndarray) -> np.ndarray:
        slow = 40 * np.sin(2 * np.pi * 0.7 * t) + 8 * np.sin(2 * np.pi * 2.0 * t)
        return (slow + of * np.sin(2 * np.pi * 6.1 * at_s))[:, None] * ways

    true, found = motion(1.0, t), motion(gain, t - delay_ms / 1000)
    found[300:310] = np.nan
    response = measure.band_response(true, found, 100.0, np.ones(1200, dtype=bool))
    assert response.gain == pytest.approx(gain, abs=0.005)
    assert response.delay_ms == pytest.approx(delay_ms, abs=0.1)
    assert response.true_mm == pytest.approx(np.linalg.norm(ways) / np.sqrt(2), rel=0.02)


def test_response_looks_only_where_it_is_told(measure: ModuleType):
    t = np.arange(1200) / 100
    true = np.sin(2 * np.pi * 6 * t)[:, None] * np.ones(3)
    found = np.where((t < 6)[:, None], true, 0.5 * true)
    assert measure.band_response(true, found, 100.0, t < 6).gain == pytest.approx(1.0, abs=0.05)
    assert measure.band_response(true, found, 100.0, t > 6).gain == pytest.approx(0.5, abs=0.05)
    assert measure.band_response(true, found, 100.0, np.zeros(1200, dtype=bool)) is None


def test_interval_holds_the_mean_as_often_as_it_says(measure: ModuleType):
    rng = np.random.default_rng(2)
    held = 0
    for trial in range(200):
        low, high = measure.bootstrap_interval(rng.normal(3.0, 2.0, 30), seed=trial, draws=500)
        held += low <= 3.0 <= high
    assert 0.88 <= held / 200 <= 0.98
    assert measure.bootstrap_interval([1.5, 1.5, 1.5]) == (1.5, 1.5)


def test_a_constant_offset_of_a_turning_segment_is_no_error(measure: ModuleType):
    turns = Rotation.from_euler("zx", np.random.default_rng(3).uniform(-2, 2, (50, 2))).as_matrix()[:, None]
    error = np.einsum("fjab,b->fja", turns, [4.0, -2.0, 7.0])
    error[10:20] = np.nan
    steady = measure.without_offset(error, turns)
    assert np.isnan(steady[10:20]).all()
    np.testing.assert_allclose(np.delete(steady, np.s_[10:20], axis=0), 0.0, atol=1e-9)
    assert np.nanmax(measure.without_offset(error, np.tile(np.eye(3), (50, 1, 1, 1)))) > 3.0


def test_intervals_are_over_participants_not_takes(measure: ModuleType):
    """A participant with many takes counts once."""
    frames, joints = 4, len(measure.JOINTS)

    def take(participant: str, off: float):
        zero = np.zeros((frames, joints, 3))
        errors = {"fit": zero + np.array([off, 0, 0]), "pig": zero + np.array([0, 3.0, 0])}
        flags = np.zeros((frames, joints), dtype=bool)
        return measure.Take(participant, participant + "T01", zero, errors, {}, {}, flags, flags[:, 0])

    takes = [take("P04", 1.0), *[take("P05", 5.0)] * 3]
    means = measure.participant_means(takes, lambda one: measure.median_difference(one, 0, "fit", "pig"))
    np.testing.assert_allclose(means, [-2.0, 2.0])


def test_play_is_left_behind_on_the_way_there_and_back(captures: ModuleType):
    way = np.concatenate([np.linspace(0, 1, 20), np.linspace(1, 0, 20)])[:, None]
    dragged = captures.with_play(way, 0.1)
    assert np.abs(dragged - way).max() <= 0.1 + 1e-12
    assert dragged[19, 0] == pytest.approx(0.9)
    assert dragged[-1, 0] == pytest.approx(0.1)


def test_the_other_body_is_another_one_and_goes_again(captures: ModuleType):
    options = TwinOptions(participants=1, trials=1, seed=5)

    def drawn():
        body = anatomy.draw_anatomy(people(options)[0], generator(options, Stream.ANATOMY, 0))
        placement = marker_set.place(body, generator(options, Stream.PLACEMENT, 0))
        return body, placement.places, marker_motion.draw_skin(placement, np.random.default_rng(0)).slides

    own, places, slides = drawn()
    thigh = marker_motion.TISSUES["thigh"].above_mm
    with captures.other_body():
        other, others_places, others_slides = drawn()
        assert other.bones == own.bones
        # The pelvis' frame begins between the hips, so the iliac spine moves against it.
        moved = np.linalg.norm(other.landmarks["LASI"].place - own.landmarks["LASI"].place)
        assert 5 < moved < 15
        assert not np.allclose(others_places, places)
        assert not np.allclose(others_slides[0], slides[0])
        assert marker_motion.TISSUES["thigh"].above_mm == pytest.approx(captures.OTHER.sizes["thigh"] * thigh)
    assert marker_motion.TISSUES["thigh"].above_mm == thigh
    np.testing.assert_array_equal(drawn()[1], places)
