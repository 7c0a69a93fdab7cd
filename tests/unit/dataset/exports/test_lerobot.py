"""Against the layout that ``lerobot`` 0.4 reads: its files, columns and numbers, read without viodat."""

import json
import shutil

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import viodat
from tests.unit.dataset.changed import change_table
from tests.unit.dataset.small import VIDEO_HZ, camera, joints_at, write_dataset
from viodat.dataset import export_dataset, paths
from viodat.dataset.exports.lerobot_files import pooled, statistics
from viodat.errors import ConfigError

FPS = 20


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    folder = write_dataset(
        tmp_path_factory.mktemp("small"), seconds=3.0, video_frames=60, splits=("test", "train", "train"),
        keypoints=(True, False),
    )  # fmt: skip
    return viodat.open_dataset(folder)


@pytest.fixture(scope="module")
def folder(dataset, tmp_path_factory):
    to = tmp_path_factory.mktemp("lerobot") / "to"
    export_dataset(dataset, to, ["lerobot"], rate_hz=FPS)
    return to


@pytest.fixture(scope="module")
def meta(folder):
    return json.loads((folder / "meta" / "info.json").read_text())


@pytest.fixture(scope="module")
def frames(folder):
    return pd.read_parquet(folder / "data" / "chunk-000" / "file-000.parquet")


@pytest.fixture(scope="module")
def episodes(folder):
    return pd.read_parquet(folder / "meta" / "episodes" / "chunk-000" / "file-000.parquet")


def test_the_files_of_the_format_are_there(folder):
    assert {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()} == {
        "README.md", "meta/info.json", "meta/stats.json", "meta/tasks.parquet",
        "meta/episodes/chunk-000/file-000.parquet", "data/chunk-000/file-000.parquet",
    }  # fmt: skip


def test_info_says_what_lerobot_asks_of_it(meta, frames):
    assert meta["codebase_version"] == "v3.0"
    assert (meta["fps"], meta["total_episodes"], meta["total_frames"]) == (FPS, 6, len(frames))
    assert meta["data_path"].format(chunk_index=0, file_index=0) == "data/chunk-000/file-000.parquet"
    assert meta["splits"] == {"train": "0:4", "test": "4:6"}
    assert list(meta["features"]) == list(frames)
    for name in ("timestamp", "frame_index", "episode_index", "index", "task_index"):
        assert meta["features"][name]["shape"] == [1]
    for name, feature in meta["features"].items():
        if feature["names"]:
            assert feature["shape"] == [len(feature["names"])], name
            assert {len(row) for row in frames[name]} == {len(feature["names"])}, name


def test_counters_count(frames, episodes):
    assert frames["index"].tolist() == list(range(len(frames)))
    for _, episode in episodes.iterrows():
        own = frames[frames["episode_index"] == episode["episode_index"]]
        assert own["index"].tolist() == list(range(episode["dataset_from_index"], episode["dataset_to_index"]))
        assert own["frame_index"].tolist() == list(range(episode["length"]))
        np.testing.assert_allclose(own["timestamp"], np.arange(len(own)) / FPS, atol=1e-6)
        np.testing.assert_allclose(np.diff(own["mocap_time_ns"]), 1e9 / FPS, atol=1)


def test_numbers_are_true_at_their_times(frames, episodes):
    assert episodes["recording"].tolist() == [
        "P04C01T02", "P04C01T03", "P04C02T02", "P04C02T03", "P04C01T01", "P04C02T01",
    ]  # fmt: skip
    world = joints_at(frames["mocap_time_ns"].to_numpy() / 1e9)
    state = np.stack(frames["observation.state"]).reshape(-1, 18, 3)
    np.testing.assert_allclose(state, world, atol=1e-3)
    pixels = camera().project(world)
    np.testing.assert_allclose(np.stack(frames["observation.pose2d"]).reshape(-1, 18, 2), pixels, atol=1e-3)
    seen = np.stack(frames["observation.keypoints"]).reshape(-1, 18, 2)
    has = frames["episode_index"].map(episodes.set_index("episode_index")["recording"]).str.contains("C01")
    np.testing.assert_allclose(seen[has], pixels[has], atol=0.01)
    assert np.isnan(seen[~has]).all()
    rows = np.stack(frames["observation.audio"])[:, 0]
    np.testing.assert_array_equal(rows, np.rint(frames["mocap_time_ns"] / 1e7))


def test_tasks_are_read_as_lerobot_reads_them(folder, frames):
    tasks = pd.read_parquet(folder / "meta" / "tasks.parquet")
    assert tasks.loc["Play music."].task_index == 0
    assert set(frames["task_index"]) == {0}


def test_statistics_are_those_of_the_frames(folder, frames):
    stats = json.loads((folder / "meta" / "stats.json").read_text())
    state = np.stack(frames["observation.state"]).astype(float)
    found = stats["observation.state"]
    np.testing.assert_allclose(found["mean"], state.mean(0), rtol=1e-6)
    np.testing.assert_allclose(found["std"], state.std(0), rtol=1e-6, atol=1e-9)
    np.testing.assert_allclose(found["min"], state.min(0))
    np.testing.assert_allclose(found["max"], state.max(0))
    assert found["count"] == [len(frames)]
    assert found["q01"][0] < found["q10"][0] < found["q50"][0] < found["q90"][0] < found["q99"][0]


def test_statistics_leave_out_what_is_missing():
    values = np.array([[1.0, np.nan], [3.0, np.nan], [np.nan, np.nan]])
    found = statistics(values)
    assert (found["mean"].tolist(), found["std"].tolist()) == ([2.0, 0.0], [1.0, 1.0])
    rng = np.random.default_rng(0)
    parts = [rng.normal(3, 2, (40, 2)), rng.normal(-1, 1, (10, 2))]
    whole = pooled([statistics(part) for part in parts])
    np.testing.assert_allclose(whole["std"], np.concatenate(parts).std(0))


def test_files_are_split_and_rows_are_grouped_by_episode(dataset, folder, tmp_path, monkeypatch):
    assert pq.read_metadata(folder / "data" / "chunk-000" / "file-000.parquet").num_row_groups == 6
    monkeypatch.setattr("viodat.dataset.exports.lerobot_files._FILE_MB", 0.03)
    export_dataset(dataset, tmp_path / "to", ["lerobot"])
    files = sorted(path.name for path in (tmp_path / "to" / "data" / "chunk-000").iterdir())
    assert len(files) > 1
    assert files[1] == "file-001.parquet"
    episodes = pd.read_parquet(tmp_path / "to" / "meta" / "episodes" / "chunk-000" / "file-000.parquet")
    for _, episode in episodes.iterrows():
        file = tmp_path / "to" / f"data/chunk-000/file-{episode['data/file_index']:03d}.parquet"
        assert episode["episode_index"] in set(pd.read_parquet(file)["episode_index"])


def test_what_no_recording_has_is_no_feature(tmp_path):
    folder = write_dataset(tmp_path / "in", seconds=1.0, video_frames=round(VIDEO_HZ), keypoints=(False,))
    export_dataset(viodat.open_dataset(folder), tmp_path / "to", ["lerobot"])
    features = json.loads((tmp_path / "to" / "meta" / "info.json").read_text())["features"]
    assert "observation.keypoints" not in features
    assert "observation.audio" in features


def test_recordings_without_a_common_time_are_said(dataset, tmp_path):
    copy = shutil.copytree(dataset.path, tmp_path / "copy")

    def late(table):
        column = table.column("first_frame_ns").to_pylist()
        values = [10**12 if name == "P04C01T02" else value
                  for name, value in zip(table.column("recording").to_pylist(), column, strict=True)]  # fmt: skip
        place = table.schema.get_field_index("first_frame_ns")
        return table.set_column(place, table.schema.field(place), pa.array(values, pa.int64()))

    change_table(copy / paths.table("recordings"), late)
    result = export_dataset(viodat.open_dataset(copy), tmp_path / "to", ["lerobot"])
    assert [(item.recording, item.error.problem) for item in result.skipped] == [
        ("P04C01T02", "markers and video have no time in common")
    ]


def test_a_rate_that_is_none_is_refused(dataset, tmp_path):
    with pytest.raises(ConfigError, match="--rate 0: expected a whole number of Hz, 1 to 1000"):
        export_dataset(dataset, tmp_path / "to", ["lerobot"], rate_hz=0)
