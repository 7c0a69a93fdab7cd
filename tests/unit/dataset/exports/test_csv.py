import csv

import numpy as np
import pytest

import viodat
from tests.unit.dataset.fitted import FITTED, write_fitted_dataset
from viodat.body.angles import ANGLES
from viodat.dataset import export_dataset
from viodat.joints import JOINTS


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    return viodat.open_dataset(write_fitted_dataset(tmp_path_factory.mktemp("fitted")))


@pytest.fixture(scope="module")
def folder(dataset, tmp_path_factory):
    to = tmp_path_factory.mktemp("csv")
    export_dataset(dataset, to, ["csv"])
    return to


def read(file):
    with file.open(newline="") as stream:
        rows = list(csv.reader(stream))
    return {name: [row[i] for row in rows[1:]] for i, name in enumerate(rows[0])}


def numbers(column):
    return np.array([float(value) if value else np.nan for value in column])


def test_motion_is_there_number_by_number(dataset, folder):
    table, motion = read(folder / f"{FITTED}.motion.csv"), dataset.motion(FITTED)
    assert [int(value) for value in table["time_ns"]] == motion.time_ns.tolist()
    for index, joint in enumerate(JOINTS):
        for place, axis in enumerate("xyz"):
            np.testing.assert_array_equal(
                numbers(table[f"{joint}_{axis}_mm"]).astype(np.float32), motion.joints_mm[:, index, place]
            )
            np.testing.assert_array_equal(
                numbers(table[f"{joint}_velocity_{axis}_mm_s"]).astype(np.float32),
                motion.velocity_mm_s[:, index, place],
            )
        np.testing.assert_array_equal(numbers(table[f"{joint}_sigma_mm"]).astype(np.float32), motion.sigma_mm[:, index])
        assert table[f"{joint}_valid"] == [str(int(value)) for value in motion.valid[:, index]]
    for index, angle in enumerate(ANGLES):
        np.testing.assert_array_equal(numbers(table[f"{angle}_rad"]).astype(np.float32), motion.angles_rad[:, index])


def test_missing_is_empty_and_never_a_word(folder):
    assert read(folder / f"{FITTED}.motion.csv")["left_index_x_mm"] == [""] * 40
    for file in folder.glob("*.csv"):
        assert not {"nan", "NaN", "None", "null"} & {value for column in read(file).values() for value in column}, file


def test_pixels_and_sound_are_there(dataset, folder):
    name = dataset.recordings["recording"][0]
    video, table = dataset.video(name), read(folder / f"{name}.video.csv")
    np.testing.assert_array_equal(numbers(table["right_thumb_y_px"]).astype(np.float32), video.pose2d_px[:, 17, 1])
    np.testing.assert_array_equal(numbers(table["left_ankle_camera_z_mm"]).astype(np.float32), video.pose3d_mm[:, 0, 2])
    sound = read(folder / f"{name}.audio.csv")
    np.testing.assert_array_equal(numbers(sound["onset_strength_norm"]), dataset.audio(name).features[:, 0])
    assert set(sound["voiced"]) == {""}


def test_tables_say_who_and_when(dataset, folder):
    table = read(folder / "recordings.csv")
    assert table["recording"] == dataset.recordings["recording"].tolist()
    assert table["frames"][0] == "10"
    assert (
        '"vsk"' in read(folder / "participants.csv")["measurement_sources"][0]
        or "P04.vsk" in (read(folder / "participants.csv")["measurement_sources"][0])
    )
    assert read(folder / "participants.csv")["measurement_sources"] == ['{"height_mm": "P04.vsk"}']
