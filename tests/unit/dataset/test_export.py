import json
import shutil

import ezc3d
import numpy as np
import pytest

import viodat
from tests.unit.capture.test_trc_write import as_opensim as read_opensim_trc
from tests.unit.dataset.fitted import EXCLUDED, FIRST_FRAME, FITTED, FRAMES, PLAIN, write_fitted_dataset
from tests.unit.dataset.small import info
from tests.unit.dataset.test_mot import as_opensim as read_opensim_mot
from viodat.body.angles import ANGLES
from viodat.capture import read_c3d, read_trc
from viodat.dataset import export_dataset, export_trial
from viodat.errors import ConfigError, DatasetError
from viodat.joints import JOINTS


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Read only."""
    return write_fitted_dataset(tmp_path_factory.mktemp("fitted"))


@pytest.fixture(scope="module")
def dataset(folder):
    return viodat.open_dataset(folder)


@pytest.fixture
def files(dataset, tmp_path):
    return {path.suffix: path for path in export_trial(dataset, FITTED, tmp_path / "to")}


def test_three_files_named_after_the_trial(files, tmp_path):
    assert list(files.values()) == [tmp_path / "to" / f"{FITTED}{suffix}" for suffix in (".trc", ".mot", ".c3d")]
    assert sorted(path.name for path in (tmp_path / "to").iterdir()) == sorted(path.name for path in files.values())


def test_trc_is_as_opensim_has_its_world(dataset, files):
    header, labels, times, positions = read_opensim_trc(files[".trc"].read_text())
    motion = dataset.motion(FITTED)
    assert labels == list(JOINTS)
    assert header["OrigDataStartFrame"] == str(FIRST_FRAME)
    np.testing.assert_allclose(times, motion.time_ns / 1e9, atol=1e-12)
    x, y, z = np.moveaxis(motion.joints_mm, -1, 0)
    np.testing.assert_allclose(positions, np.stack([x, z, -y], -1), atol=1e-3)


def test_trc_reads_back_into_the_datasets_world(dataset, files, tmp_path):
    motion = dataset.motion(FITTED)
    (plain,) = export_trial(dataset, FITTED, tmp_path, ["trc"], up="z")
    for trial in (read_trc(files[".trc"], axes="x-zy"), read_trc(plain)):
        assert trial.notes == ()
        np.testing.assert_array_equal(trial.times_ns, motion.time_ns)
        np.testing.assert_allclose(trial.positions_mm, motion.joints_mm, atol=1e-3)


def test_mot_has_the_angles_in_degrees(dataset, files):
    metadata, names, times, values = read_opensim_mot(files[".mot"].read_text())
    motion = dataset.motion(FITTED)
    known = [i for i in range(len(ANGLES)) if i != 1]
    assert names == [ANGLES[i] for i in known]
    assert (metadata["inDegrees"], metadata["nRows"], metadata["nColumns"]) == ("yes", str(FRAMES), str(len(ANGLES)))
    assert f"Not determined in this trial: {ANGLES[1]}\n" in files[".mot"].read_text()
    np.testing.assert_allclose(times, motion.time_ns / 1e9, atol=1e-9)
    np.testing.assert_allclose(values, np.degrees(motion.angles_rad[:, known]), atol=1e-4)


def test_c3d_has_joints_and_sigma(dataset, files):
    trial, motion = read_c3d(files[".c3d"]), dataset.motion(FITTED)
    assert trial.labels == JOINTS
    assert (trial.first_frame, trial.rate_hz, trial.units, trial.subject.name) == (FIRST_FRAME, 100.0, "mm", "P04")
    np.testing.assert_array_equal(trial.times_ns, motion.time_ns)
    np.testing.assert_array_equal(trial.positions_mm, motion.joints_mm)
    np.testing.assert_allclose(trial.residuals, motion.sigma_mm, atol=0.0251)
    descriptions = ezc3d.c3d(str(files[".c3d"]))["parameters"]["POINT"]["DESCRIPTIONS"]["value"]
    assert descriptions[2] == "left hip joint centre"


def test_a_trial_without_angles_gives_what_it_can(dataset, tmp_path):
    written = export_trial(dataset, PLAIN, tmp_path)
    assert [path.name for path in written] == [f"{PLAIN}.trc", f"{PLAIN}.c3d"]
    assert read_c3d(tmp_path / f"{PLAIN}.c3d").outputs == {}


def test_mot_that_was_asked_for_says_why_not(dataset, tmp_path):
    message = rf"^{PLAIN}: has no joint angles: its joint centres are computed frame by frame, .* viodat build --raw"
    with pytest.raises(DatasetError, match=message):
        export_trial(dataset, PLAIN, tmp_path / "to", ["trc", "mot"])
    assert not (tmp_path / "to").exists()


def test_a_dataset_of_schema_version_1_0(folder, tmp_path):
    old = shutil.copytree(folder, tmp_path / "old")
    (old / "dataset.json").write_text(json.dumps(info(schema_version="1.0")))
    result = export_dataset(viodat.open_dataset(old), tmp_path / "to")
    assert len(result.files) == 4
    assert {(item.trial, item.format) for item in result.skipped} == {(FITTED, "mot"), (PLAIN, "mot")}
    assert "of schema version 1.0, which had none" in str(result.skipped[0].error)


def test_all_trials_and_what_could_not_be_written(dataset, tmp_path):
    shown = []
    result = export_dataset(dataset, tmp_path, progress=lambda *step: shown.append(step))
    assert [path.name for path in result.files] == [
        f"{FITTED}.trc", f"{FITTED}.mot", f"{FITTED}.c3d", f"{PLAIN}.trc", f"{PLAIN}.c3d",
    ]  # fmt: skip
    assert [(item.trial, item.format) for item in result.skipped] == [(PLAIN, "mot")]
    assert shown == [(1, 2, FITTED), (2, 2, PLAIN)]


def test_an_excluded_trial_does_not_stop_the_others(dataset, tmp_path):
    result = export_dataset(dataset, tmp_path, ["trc"], [EXCLUDED, PLAIN])
    assert [path.name for path in result.files] == [f"{PLAIN}.trc"]
    assert "too short" in str(result.skipped[0].error)
    with pytest.raises(DatasetError, match="is excluded: too short"):
        export_dataset(dataset, tmp_path, ["trc"], [EXCLUDED])
    with pytest.raises(DatasetError, match="is excluded: too short"):
        export_trial(dataset, EXCLUDED, tmp_path)


def test_a_second_export_replaces_the_files(dataset, files, tmp_path):
    before = {path: path.read_bytes() for path in files.values()}
    files[".trc"].write_text("something else")
    export_trial(dataset, FITTED, tmp_path / "to")
    assert {path: path.read_bytes() for path in (tmp_path / "to").iterdir()} == before


def test_a_file_that_cannot_be_written_leaves_the_old_one(dataset, files, tmp_path, monkeypatch):
    before = files[".c3d"].read_bytes()

    def full(self, path):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(ezc3d.c3d, "write", full)
    with pytest.raises(ConfigError, match=rf"{FITTED}\.c3d: cannot be written \(No space left on device\)"):
        export_trial(dataset, FITTED, tmp_path / "to", ["c3d"])
    assert files[".c3d"].read_bytes() == before
    assert len(list((tmp_path / "to").iterdir())) == 3


@pytest.mark.parametrize("name", ["trc", "mot", "c3d"])
def test_a_folder_that_cannot_be_written(dataset, tmp_path, name):
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match=r"cannot be written \(.+\)\. Name a folder with --to"):
        export_trial(dataset, FITTED, tmp_path / "file" / "to", [name])


@pytest.mark.parametrize(
    ("trial", "formats", "up", "message"),
    [
        (
            "P04T1",
            ["trc"],
            "y",
            r"has no trial 'P04T1'\. Did you mean 'P04T0?1'\? Known trials: P04T01, P04T02, P04T03",
        ),
        (FITTED, ["c3"], "y", r"there is no format 'c3'\. Did you mean 'c3d'\? Known formats: trc, mot, c3d"),
        (FITTED, ["fbx"], "y", r"there is no format 'fbx'\. Known formats: trc, mot, c3d"),
        (FITTED, ["trc"], "x", r"the axis 'x' cannot be up in a TRC file\. Say y or z"),
    ],
)
def test_mistakes_name_what_is_right(dataset, tmp_path, trial, formats, up, message):
    for export in (
        lambda: export_trial(dataset, trial, tmp_path / "to", formats, up=up),
        lambda: export_dataset(dataset, tmp_path / "to", formats, [FITTED, trial], up=up),
    ):
        with pytest.raises((DatasetError, ConfigError), match=message):
            export()
    assert not (tmp_path / "to").exists()
