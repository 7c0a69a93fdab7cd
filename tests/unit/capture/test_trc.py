from __future__ import annotations

import numpy as np
import pytest

from tests.mutate import mutants
from viodat.capture.trc import read_trc
from viodat.errors import CaptureError, ConfigError

POINTS = np.round(np.random.default_rng(2).uniform(0.1, 2.0, (6, 2, 3)), 4)


def trc(points=POINTS, names=("RHip", "LHip"), *, units="m", first=1, blank_line=False) -> str:
    head = [
        "PathFileType\t4\t(X/Y/Z)\ttake.trc",
        "DataRate\tCameraRate\tNumFrames\tNumMarkers\tUnits\tOrigDataRate\tOrigDataStartFrame\tOrigNumFrames",
        f"60\t60\t{len(points)}\t{len(names)}\t{units}\t60\t0\t{len(points)}",
        "Frame#\tTime\t" + "\t\t\t".join(names) + "\t\t",
        "\t\t" + "\t".join(f"{a}{i + 1}" for i in range(len(names)) for a in "XYZ"),
    ]
    rows = [
        "\t".join(
            [str(first + f), f"{f / 60:.4f}", *("" if np.isnan(v) else repr(float(v)) for v in points[f].ravel())]
        )
        for f in range(len(points))
    ]
    return "\n".join([*head, *([""] if blank_line else []), *rows]) + "\n"


@pytest.fixture
def path(tmp_path):
    return tmp_path / "take.trc"


@pytest.mark.parametrize(("units", "factor"), [("m", 1000.0), ("mm", 1.0), ("cm", 10.0)])
@pytest.mark.parametrize("blank_line", [False, True])
def test_positions_are_millimetres(path, units, factor, blank_line):
    path.write_text(trc(units=units, blank_line=blank_line))
    trial = read_trc(path)
    np.testing.assert_allclose(trial.positions_mm, POINTS * factor)
    assert (trial.labels, trial.rate_hz, trial.first_frame, trial.units) == (("RHip", "LHip"), 60.0, 1, units)
    assert np.isnan(trial.residuals).all()


def test_blanks_and_zeros_are_nan(path):
    points = POINTS.copy()
    points[2, 1] = np.nan
    points[3, 0] = 0.0
    points[4, 0, 1] = np.nan
    path.write_text(trc(points))
    missing = np.isnan(read_trc(path).positions_mm).all(axis=2)
    assert set(zip(*np.nonzero(missing), strict=True)) == {(2, 1), (3, 0), (4, 0)}


def test_axes(path):
    path.write_text(trc(units="mm"))
    x, y, z = POINTS[..., 0], POINTS[..., 1], POINTS[..., 2]
    np.testing.assert_array_equal(read_trc(path, axes="zxy").positions_mm, np.stack([z, x, y], axis=-1))
    np.testing.assert_array_equal(read_trc(path, axes="x-zy").positions_mm, np.stack([x, -z, y], axis=-1))


@pytest.mark.parametrize(
    ("axes", "problem"), [("xxy", "in some order"), ("up", "in some order"), ("xzy", "mirror"), ("-xyz", "mirror")]
)
def test_axes_that_are_none(path, axes, problem):
    path.write_text(trc())
    with pytest.raises(ConfigError, match=problem):
        read_trc(path, axes=axes)


def test_frame_numbers(path):
    path.write_text(trc(first=120))
    assert read_trc(path).first_frame == 120
    path.write_text(trc(first=0))
    trial = read_trc(path)
    assert trial.first_frame == 1
    assert any("numbered from 0" in note for note in trial.notes)


def test_repeated_names(path):
    path.write_text(trc(names=("RHip", "RHip")))
    assert read_trc(path).labels == ("RHip", "RHip#2")


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (lambda t: t.replace("PathFileType", "Path"), "line 1 begins with"),
        (lambda t: t.replace("\t2\tm\t", "\t3\tm\t"), "line 4 names 2 markers, line 3 declares 3"),
        (lambda t: t.replace("\tm\t", "\tparsec\t"), "line 3 states unit 'parsec'"),
        (lambda t: t.replace("NumFrames", "Frames"), "line 2 has no field NumFrames"),
        (lambda t: t.replace("60\t60\t6", "x\t60\t6"), "line 3 states DataRate 'x'"),
        (lambda t: t.replace("\n3\t", "\n3\t1\t"), "line 8 has 9 columns, expected 8"),
        (lambda t: t.replace("\n3\t", "\n7\t"), "line 8 is frame 7, expected 3"),
        (lambda t: t.replace("\n3\t0", "\n3\tzero"), "line 8 holds 'zero"),
        (lambda t: "\n".join(t.split("\n")[:9]), "holds 4 of 6 frames"),
        (lambda t: "\n".join(t.split("\n")[:3]), "ends at line 3"),
    ],
)
def test_errors_name_the_line(path, change, problem):
    path.write_text(change(trc()))
    with pytest.raises(CaptureError, match=problem) as caught:
        read_trc(path)
    assert str(caught.value).startswith("take.trc: ")


def test_missing_file(path):
    with pytest.raises(CaptureError, match="cannot be read"):
        read_trc(path)


def test_damaged_files_are_read_or_refused(path):
    read, texts = 0, []
    for name, content in mutants(trc().encode(), 150, seed=9):
        path.write_bytes(content)
        try:
            trial = read_trc(path)
        except CaptureError as error:
            texts.append(str(error))
            continue
        read += 1
        assert trial.positions_mm.shape == (trial.n_frames, len(trial.labels), 3), name
    assert not [text for text in texts if "\n" in text]
    assert read > 10
