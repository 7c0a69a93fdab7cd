"""The real recordings, laid out by the capture.toml that a user would write for them."""

from __future__ import annotations

from pathlib import Path

import pytest

from viodat.capture.config import load_config
from viodat.capture.layout import CaptureLayout
from viodat.errors import ConfigError

HERE = Path(__file__).parent


def scan(real_data: Path, name: str) -> CaptureLayout:
    return CaptureLayout.scan(real_data / name, load_config(HERE / f"{name}.toml"))


@pytest.mark.parametrize("name", ["gait_lab", "pycgm", "multiview"])
def test_every_file_is_explained_and_nothing_is_missing(real_data, name):
    layout = scan(real_data, name)
    assert layout.unmatched == ()
    assert [str(miss) for miss in layout.missing] == []


def test_gait_lab(real_data):
    layout = scan(real_data, "gait_lab")
    assert len(layout.trials) == 12
    assert list(layout.participants) == ["HC002D", "HC030A", "HC031A", "HC032A"]
    assert layout.trials[1].id == "HC002D06"
    static = {trial.participant: trial.static.name for trial in layout.trials if trial.static}
    assert static == {p: f"{p}{'02' if p == 'HC002D' else '01'}.c3d" for p in layout.participants}
    assert all(trial.static is not None for trial in layout.trials)
    assert {trial.marker_file.stem for trial in layout.trials} == {trial.id for trial in layout.trials}


def test_pycgm(real_data):
    layout = scan(real_data, "pycgm")
    files = {trial.id: (trial.marker_file.name, trial.vsk.name if trial.vsk else None) for trial in layout.trials}
    assert files == {
        "RoboStatic": ("RoboStatic.c3d", "RoboSM.vsk"),
        "SampleStatic": ("Sample_Static.c3d", "Sample_SM.vsk"),
    }
    assert all(trial.static == trial.marker_file for trial in layout.trials)


def test_multiview(real_data):
    config = load_config(HERE / "multiview.toml")
    layout = scan(real_data, "multiview")
    (trial,) = layout.trials
    assert (trial.id, trial.participant) == ("P00T01", "P00")
    assert trial.marker_file.name == "S00_P00_T01_BalancingTrial_0-100.trc"
    assert [recording.id for recording in trial.recordings] == [f"P00C0{n}T01" for n in range(1, 5)]
    for n, recording in enumerate(trial.recordings, start=1):
        assert recording.video is not None
        assert recording.keypoints is not None
        assert recording.video.name == f"cam0{n}.mp4"
        assert recording.keypoints.name == f"cam0{n}_json"
        assert config.cameras.ids[recording.device] == f"cam_0{n}"
        given = config.sync.given_offset(recording.id, recording.device)
        assert given is not None
        assert given.offset_s == 0.0
    assert [path.name for path in layout.calibration] == ["Calib_qualisys.toml"]


def test_without_configuration_the_names_are_not_understood(real_data):
    with pytest.raises(ConfigError, match=r"no trial among 12 files; .*HC002D02\.c3d has ids that \[ids\]"):
        CaptureLayout.scan(real_data / "gait_lab")
