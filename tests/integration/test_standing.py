"""A phone that was knocked between calibration and trial: found by a build, and with --resect put where it stood."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import viodat
from viodat.build import BuildOptions, build_dataset
from viodat.synth import TwinOptions, write_twin

QUICK = BuildOptions(joint_centres="pig", trials=("P04T01",))


@pytest.fixture(scope="module")
def capture(tmp_path_factory):
    """One trial by four phones, of which one was knocked."""
    raw = tmp_path_factory.mktemp("knocked") / "raw"
    options = TwinOptions(
        participants=1,
        trials=1,
        seconds=12.0,
        video=False,
        rom_seconds=0.0,
        given_clocks=True,
        faults=("knocked_phone",),
    )
    write_twin(raw, options)
    return raw


def knocked_recording(out: Path) -> str:
    exclusions = viodat.open_dataset(out).exclusions
    (row,) = exclusions[exclusions["stage"] == "camera"].to_dict("records")
    assert row["value"] > row["limit"] == 0.02
    assert "does not stand as calibrated" in row["reason"]
    return row["recording"]


def test_its_pictures_have_no_truth(capture, tmp_path):
    build_dataset(capture, tmp_path / "out", options=QUICK)
    name = knocked_recording(tmp_path / "out")
    ds = viodat.open_dataset(tmp_path / "out")
    rows = ds.recordings.set_index("recording")
    assert not rows.loc[name, "calibrated"]
    assert rows["calibrated"].sum() == len(rows) - 1
    video = ds.video(name)
    assert not video.valid.any()
    assert np.isfinite(video.detected_px).any()
    # What it heard is as good as before.
    assert np.isfinite(ds.audio(name).features).any()


def test_resect_puts_it_where_it_stood(capture, tmp_path):
    wrong, right = tmp_path / "wrong", tmp_path / "right"
    build_dataset(capture, wrong, options=QUICK)
    name = knocked_recording(wrong)
    result = build_dataset(capture, right, options=replace(QUICK, resect=True))
    assert any("its pose is solved anew" in note for note in result.notes)
    video = viodat.open_dataset(right).video(name)
    away = np.linalg.norm(video.pose2d_px - video.detected_px, axis=-1)
    others = [one for one in viodat.open_dataset(right).recordings["recording"] if one != name]
    usual = [viodat.open_dataset(right).video(one) for one in others]
    normal = [np.nanmedian(np.linalg.norm(one.pose2d_px - one.detected_px, axis=-1)) for one in usual]
    assert np.nanmedian(away) < 1.5 * max(normal)
