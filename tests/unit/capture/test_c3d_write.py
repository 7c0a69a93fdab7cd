import struct

import c3d
import ezc3d
import numpy as np
import pytest

from viodat.capture.c3d import read_c3d
from viodat.capture.c3d_write import PointSeries, residual_step, write_c3d

LABELS = ("left_hip", "left_knee", "left_ankle", "left_wrist")
FRAMES = 20


@pytest.fixture
def points():
    values = np.random.default_rng(3).normal(0, 900, (FRAMES, len(LABELS), 3)).astype(np.float32)
    values[2, 0] = values[4, 3] = values[6] = np.nan
    values[8, 1, 1] = np.nan
    return PointSeries(LABELS, tuple(f"{label}, centre" for label in LABELS), values)


@pytest.fixture
def sigma():
    values = np.random.default_rng(4).uniform(0.5, 8.0, (FRAMES, len(LABELS))).astype(np.float32)
    values[0, 0] = np.nan
    return values


@pytest.fixture
def angles():
    values = np.random.default_rng(5).normal(0, 60, (FRAMES, 2, 3))
    values[3, 1] = np.nan
    values[5, 0] = 0.0
    return PointSeries(("LHipAngles", "LKneeAngles"), ("x flexion, y adduction, z rotation", "x flexion"), values)


@pytest.fixture
def path(tmp_path, points, sigma, angles):
    write_c3d(
        tmp_path / "P05T28.c3d", points, sigma, rate_hz=100.0, first_frame=50, angles=angles, subject="P05"
    )  # fmt: skip
    return tmp_path / "P05T28.c3d"


def missing(values):
    return np.isnan(values).any(-1)


def test_our_own_reader_reads_it(path, points, sigma, angles):
    trial = read_c3d(path)
    assert trial.labels == LABELS
    assert (trial.rate_hz, trial.first_frame, trial.units, trial.subject.name) == (100.0, 50, "mm", "P05")
    assert trial.notes == ()
    gone = missing(points.values)
    np.testing.assert_array_equal(trial.positions_mm, np.where(gone[..., None], np.nan, points.values))
    # Steps of 0.05 mm hold 8 mm.
    expected = np.where(gone, np.nan, np.nan_to_num(sigma))
    np.testing.assert_allclose(trial.residuals, expected, atol=0.0251)
    assert trial.residuals[0, 0] == 0.0
    assert set(trial.outputs) == set(angles.labels)
    for i, label in enumerate(angles.labels):
        np.testing.assert_allclose(trial.outputs[label], angles.values[:, i], atol=1e-4)


def test_py_c3d_reads_it(path, points, angles):
    """A reader that shares nothing with ezc3d, which wrote it."""
    with path.open("rb") as file:
        with pytest.warns(UserWarning, match="No analog"):
            reader = c3d.Reader(file)
        frames = [(number, data) for number, data, _ in reader.read_frames(copy=True)]
    assert [label.strip() for label in reader.point_labels] == [*LABELS, *angles.labels]
    assert reader.point_rate == 100.0
    assert [number for number, _ in frames] == list(range(50, 50 + FRAMES))
    data = np.array([data for _, data in frames])
    gone = missing(points.values)
    np.testing.assert_array_equal(data[:, :4, 3] < 0, gone)
    np.testing.assert_array_equal(data[:, :4, :3][~gone], points.values[~gone])
    np.testing.assert_array_equal(data[:, 4:, 3] < 0, missing(angles.values))
    text = reader.get("POINT").get("UNITS").string_value
    assert text.strip() == "mm"


def test_the_parameters_that_nexus_and_mokka_look_for(path, angles):
    file = ezc3d.c3d(str(path))
    point = file["parameters"]["POINT"]
    assert point["ANGLES"]["value"] == list(angles.labels)
    assert point["ANGLE_UNITS"]["value"] == ["deg"]
    assert point["TYPE_GROUPS"]["value"] == ["ANGLES", "ANGLE"]
    assert point["DESCRIPTIONS"]["value"][:1] == ["left_hip, centre"]
    assert (point["X_SCREEN"]["value"], point["Y_SCREEN"]["value"]) == (["+X"], ["+Z"])
    assert file["header"]["points"]["first_frame"] == 49
    trial = file["parameters"]["TRIAL"]
    assert trial["ACTUAL_START_FIELD"]["value"].tolist() == [50, 0]
    assert trial["ACTUAL_END_FIELD"]["value"].tolist() == [69, 0]
    (scale,) = struct.unpack_from("<f", path.read_bytes(), 12)
    assert scale == pytest.approx(point["SCALE"]["value"][0])
    assert scale == pytest.approx(-0.05)


def test_without_angles_and_sigma(tmp_path, points):
    unknown = np.full(points.values.shape[:2], np.nan)
    write_c3d(tmp_path / "a.c3d", points, unknown, rate_hz=100.0)
    trial = read_c3d(tmp_path / "a.c3d")
    assert (trial.outputs, trial.first_frame) == ({}, 1)
    assert np.nanmax(trial.residuals) == 0.0
    np.testing.assert_array_equal(np.isnan(trial.residuals), missing(points.values))


def test_same_arguments_same_bytes(path, tmp_path, points, sigma, angles):
    write_c3d(tmp_path / "b.c3d", points, sigma, rate_hz=100.0, first_frame=50, angles=angles, subject="P05")
    assert (tmp_path / "b.c3d").read_bytes() == path.read_bytes()


def test_more_frames_than_the_header_can_count(tmp_path):
    values = np.arange(1, 70_001, dtype=np.float64)[:, None, None] * [1.0, 0.5, 0.25]
    write_c3d(tmp_path / "a.c3d", PointSeries(("a",), ("",), values), np.zeros((70_000, 1)), rate_hz=100.0)
    trial = read_c3d(tmp_path / "a.c3d")
    assert (trial.n_frames, trial.first_frame) == (70_000, 1)
    np.testing.assert_array_equal(trial.positions_mm, values)


@pytest.mark.parametrize(
    ("largest", "step"), [(0.0, 0.01), (2.55, 0.01), (2.56, 0.02), (8.0, 0.05), (100.0, 0.5), (1e4, 50.0)]
)
def test_the_step_reaches_the_largest_residual(largest, step):
    assert residual_step(np.array([np.nan, 0.1, largest])) == pytest.approx(step)


def test_a_small_residual_is_not_none(tmp_path, points):
    sigma = np.full(points.values.shape[:2], 0.001)
    sigma[1, 1] = 200.0
    write_c3d(tmp_path / "a.c3d", points, sigma, rate_hz=100.0)
    assert np.nanmin(read_c3d(tmp_path / "a.c3d").residuals) == pytest.approx(1.0)


def test_what_cannot_be_written_is_refused(tmp_path, points, sigma):
    twice = PointSeries(("a", "a", "b", "c"), points.descriptions, points.values)
    for series, residuals in ((twice, sigma), (points, sigma[:, 1:]), (points, sigma[1:])):
        with pytest.raises(ValueError, match="expected"):
            write_c3d(tmp_path / "a.c3d", series, residuals, rate_hz=100.0)
    assert list(tmp_path.iterdir()) == []
