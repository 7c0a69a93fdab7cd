"""TRC files as OpenSim reads them. Its reader is not here, so the tests hold a parser made from its description: the
OpenSim documentation, "Marker (.trc) Files", and the rules that TRCFileAdapter and FileAdapter::tokenize of OpenSim 4
keep: cells end at a tab, what follows the last tab counts only if it is not blank, a missing cell makes the point NaN.
"""

import numpy as np
import pandas as pd
import pytest

from viodat.capture.trc import read_trc
from viodat.capture.trc_write import write_trc

LABELS = ("left_hip", "left_knee", "left_ankle")
RATE_HZ = 100.0


def as_opensim(text: str):
    """Names, (F,) times and (F, M, 3) positions, or an AssertionError where OpenSim would refuse."""

    def cells(line: str) -> list[str]:
        *whole, rest = line.split("\t")
        return [cell.strip() for cell in (*whole, *([rest] if rest else []))]

    first, keys, values, names, axes, *body = text.split("\n")
    assert first.split()[0] == "PathFileType"
    assert [key for key in cells(keys) if key] == [
        "DataRate", "CameraRate", "NumFrames", "NumMarkers", "Units", "OrigDataRate", "OrigDataStartFrame",
        "OrigNumFrames",
    ]  # fmt: skip
    header = dict(zip(cells(keys), cells(values), strict=True))
    assert all(header.values())
    labels = [cell for cell in cells(names) if cell]
    assert labels[:2] == ["Frame#", "Time"]
    assert len(labels) == int(header["NumMarkers"]) + 2
    assert [c for c in cells(axes) if c] == [f"{a}{i}" for i in range(1, len(labels) - 1) for a in "XYZ"]
    while not body[0]:
        body = body[1:]
    times, positions = [], []
    for line in body[: body.index("")]:
        row = cells(line)
        assert len(row) == 3 * (len(labels) - 2) + 2, "RowLengthMismatch"
        times.append(float(row[1]))
        points = np.array(row[2:]).reshape(-1, 3)
        positions.append([[float(c) for c in p] if all(p) else [np.nan] * 3 for p in points])
    assert len(times) == int(header["NumFrames"])
    return header, labels[2:], np.array(times), np.array(positions)


@pytest.fixture
def points():
    """Ten frames; the first point, the last, and all of them are missing once."""
    values = np.random.default_rng(3).normal(0, 900, (10, 3, 3)).astype(np.float32)
    values[2, 0] = values[4, 2] = values[6] = np.nan
    values[8, 1, 1] = np.nan
    return values


@pytest.fixture
def path(tmp_path, points):
    write_trc(tmp_path / "P05T28.trc", LABELS, points, (49 + np.arange(10)) / RATE_HZ, rate_hz=RATE_HZ, first_frame=50)
    return tmp_path / "P05T28.trc"


def whole(points):
    """A point that lacks a coordinate is missing."""
    return np.where(np.isnan(points).any(-1, keepdims=True), np.nan, points)


def test_opensim_reads_names_times_and_positions(path, points):
    header, labels, times, positions = as_opensim(path.read_text())
    assert labels == list(LABELS)
    assert header["Units"] == "mm"
    assert (float(header["DataRate"]), header["OrigDataStartFrame"]) == (RATE_HZ, "50")
    np.testing.assert_allclose(times, 0.49 + np.arange(10) / 100, atol=1e-12)
    np.testing.assert_allclose(positions, whole(points), atol=1e-4)


def test_the_parser_of_this_test_refuses_what_opensim_refuses(path):
    """A last point that is missing, without the tab that closes its last cell."""
    with pytest.raises(AssertionError, match="RowLengthMismatch"):
        as_opensim("\n".join(line.rstrip("\t") for line in path.read_text().split("\n")))


def test_our_own_reader_reads_it(path, points):
    trial = read_trc(path)
    assert (trial.labels, trial.rate_hz, trial.first_frame, trial.units) == (LABELS, RATE_HZ, 50, "mm")
    assert trial.notes == ()
    np.testing.assert_allclose(trial.positions_mm, whole(points), atol=1e-4)


def test_pandas_reads_it(path, points):
    frame = pd.read_csv(path, sep="\t", skiprows=4).dropna(axis=1, how="all")
    assert frame.columns[2:].tolist() == [f"{axis}{i}" for i in (1, 2, 3) for axis in "XYZ"]
    np.testing.assert_allclose(frame.iloc[:, 2:].to_numpy().reshape(10, 3, 3), whole(points), atol=1e-4)
    assert frame.iloc[:, 0].tolist() == list(range(50, 60))


def test_times_that_are_no_hundredths(tmp_path, points):
    times = np.rint(np.arange(10) / 119.88 * 1e9) / 1e9
    write_trc(tmp_path / "a.trc", LABELS, points, times, rate_hz=119.88)
    header, _, found, _ = as_opensim((tmp_path / "a.trc").read_text())
    np.testing.assert_allclose(found, times, atol=1e-12)
    assert header["DataRate"] == "119.88"


@pytest.mark.parametrize("labels", [("a", "b"), ("a", "b\tc", "d"), ("a", "", "d")])
def test_what_cannot_be_written_is_refused(tmp_path, points, labels):
    with pytest.raises(ValueError, match="labels|positions_mm"):
        write_trc(tmp_path / "a.trc", labels, points, np.arange(10.0), rate_hz=1.0)
    assert list(tmp_path.iterdir()) == []
