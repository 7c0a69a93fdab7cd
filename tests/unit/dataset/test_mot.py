"""MOT files as OpenSim reads them. Its reader is not here, so the tests hold a parser made from its description: the
OpenSim documentation, "Motion (.mot) Files", and DelimFileAdapter of OpenSim 4.
"""

import io

import numpy as np
import pandas as pd
import pytest

from viodat.dataset.mot import write_mot

NAMES = ("left_knee_flexion", "left_hip_flexion", "right_knee_flexion")


def as_opensim(text: str):
    """Metadata, names, (F,) times and (F, N) numbers, or an AssertionError where OpenSim would refuse."""
    head, body = text.split("\nendheader\n")
    metadata = dict(line.split("=") for line in head.split("\n") if "=" in line)
    names, *rows = [line.split() for line in body.split("\n") if line]
    assert names[0] == "time"
    assert all(len(row) == len(names) for row in rows), "RowLengthMismatch"
    values = np.array(rows, float)
    return metadata, names[1:], values[:, 0], values[:, 1:]


@pytest.fixture
def angles():
    values = np.random.default_rng(1).normal(0, 1.5, (7, 3)).astype(np.float32)
    values[2, 0] = np.nan
    return values


def test_opensim_reads_degrees_by_name(tmp_path, angles):
    write_mot(tmp_path / "a.mot", NAMES, angles, 0.49 + np.arange(7) / 100, remarks=("Written by a test.",))
    text = (tmp_path / "a.mot").read_text()
    metadata, names, times, values = as_opensim(text)
    assert metadata == {"DataType": "double", "version": "3", "nRows": "7", "nColumns": "4", "inDegrees": "yes"}
    assert text.startswith("Coordinates\n")
    assert names == list(NAMES)
    np.testing.assert_allclose(times, 0.49 + np.arange(7) / 100, atol=1e-9)
    np.testing.assert_allclose(values, angles * 180 / np.pi, atol=1e-5)


def test_pandas_reads_it(tmp_path, angles):
    write_mot(tmp_path / "a.mot", NAMES, angles, np.arange(7) / 100)
    text = (tmp_path / "a.mot").read_text()
    frame = pd.read_csv(io.StringIO(text.partition("endheader\n")[2]), sep="\t")
    assert frame.columns.tolist() == ["time", *NAMES]
    np.testing.assert_allclose(np.radians(frame[list(NAMES)]), angles, atol=1e-7)


def test_an_angle_that_is_nowhere_determined_has_no_column(tmp_path, angles):
    angles[:, 1] = np.nan
    write_mot(tmp_path / "a.mot", NAMES, angles, np.arange(7) / 100)
    text = (tmp_path / "a.mot").read_text()
    metadata, names, _, values = as_opensim(text)
    assert names == ["left_knee_flexion", "right_knee_flexion"]
    assert metadata["nColumns"] == "3"
    np.testing.assert_allclose(values, np.degrees(angles[:, [0, 2]]), atol=1e-5)
    assert "Not determined in this trial: left_hip_flexion\n" in text


def test_an_angle_goes_on_beyond_half_a_turn(tmp_path):
    turning = np.linspace(3.0, 3.5, 5)[:, None]
    write_mot(tmp_path / "a.mot", ("turn",), turning, np.arange(5.0))
    _, _, _, values = as_opensim((tmp_path / "a.mot").read_text())
    assert values[-1, 0] == pytest.approx(200.535, abs=1e-3)


@pytest.mark.parametrize(
    ("names", "remarks", "message"),
    [
        (("a", "b"), (), "angles_rad: expected"),
        (("a b", "c", "d"), (), "'a b' cannot stand"),
        (("a", "", "d"), (), "'' cannot stand"),
        (("a", "b", "c"), ("x = 3",), "would be read as a key"),
    ],
)
def test_what_cannot_be_written_is_refused(tmp_path, angles, names, remarks, message):
    with pytest.raises(ValueError, match=message):
        write_mot(tmp_path / "a.mot", names, angles, np.arange(7.0), remarks=remarks)


def test_no_angle_at_all_is_refused(tmp_path):
    with pytest.raises(ValueError, match="expected a number"):
        write_mot(tmp_path / "a.mot", NAMES, np.full((7, 3), np.nan), np.arange(7.0))
