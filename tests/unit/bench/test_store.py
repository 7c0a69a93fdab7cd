"""A dataset in mapped arrays, and windows of it: the same that PoseWindows gives, cut, centred and flipped."""

import shutil
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import viodat
from tests.unit.dataset.small import write_dataset
from viodat.bench.batches import Windows
from viodat.bench.store import GridStore, grid_store, without_gaps
from viodat.errors import ConfigError, DatasetError
from viodat.joints import MIRROR, ROOT_JOINTS


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    return write_dataset(
        tmp_path_factory.mktemp("small"), seconds=9.0, video_frames=210, drift_ppm=200.0, splits=("train", "test")
    )


@pytest.fixture(scope="module")
def store(small, tmp_path_factory):
    return grid_store(viodat.open_dataset(small), tmp_path_factory.mktemp("grids"))


def test_windows_are_those_of_pose_windows(small, store):
    """Theirs come from Parquet, ours from mapped arrays."""
    for split in ("train", "test"):
        theirs = viodat.PoseWindows(small, split=split, frames=60, hop_s=1.0)
        ours = Windows(store, store.of_split(split), frames=60, hop=30, normalisation="px", audio="features100")
        assert len(ours) == len(theirs) > 3
        batch = ours.batch(np.arange(len(ours)))
        for k, item in enumerate(theirs):
            assert ours.recordings[ours.of[k]].recording == item["recording"]
            there = item["valid"].numpy()
            pose3d = item["pose3d"].numpy()
            centred = pose3d - pose3d[:, list(ROOT_JOINTS)].mean(axis=1, keepdims=True)
            np.testing.assert_array_equal(batch.valid[k], there)
            np.testing.assert_allclose(batch.target[k][there], centred[there], atol=1e-3)
            np.testing.assert_allclose(batch.pose2d[k][there], item["pose2d"].numpy()[there], atol=1e-3)
            np.testing.assert_array_equal(batch.audio[k], np.nan_to_num(item["audio"].numpy()))


def test_a_control_hears_another_trial_or_nothing(small, tmp_path):
    folder = write_dataset(tmp_path / "three", seconds=9.0, video_frames=210, splits=("train", "train", "test"))
    store = grid_store(viodat.open_dataset(folder), tmp_path)
    first, second = store.of_split("train")
    sound = store.sound("features100")
    # The little dataset's recordings sound alike.
    sound.values = np.random.default_rng(0).normal(size=sound.values.shape).astype(np.float32)
    asked = {"frames": 30, "hop": 30, "audio": "features100"}
    own, others = (Windows(store, (one,), **asked).batch(np.arange(3)).audio for one in (first, second))
    shuffled = Windows(store, (first,), sound="another", **asked).batch(np.arange(3))
    np.testing.assert_array_equal(shuffled.audio, others)
    assert not np.array_equal(shuffled.audio, own)
    np.testing.assert_array_equal(shuffled.pose2d, Windows(store, (first,), **asked).batch(np.arange(3)).pose2d)
    assert not Windows(store, (first,), sound="silent", **asked).batch(np.arange(3)).audio.any()
    with pytest.raises(ConfigError, match="split test has no other trial with sound"):
        Windows(store, store.of_split("test"), sound="another", **asked)


def test_a_picture_whose_size_is_not_stored_has_that_of_its_camera(small, tmp_path):
    folder = Path(shutil.copytree(small, tmp_path / "sizeless"))
    table = pq.read_table(folder / "recordings.parquet")
    for name in ("width_px", "height_px"):
        field = table.schema.field(name)
        at = table.schema.get_field_index(name)
        table = table.set_column(at, field, pa.nulls(len(table), field.type))
    pq.write_table(table, folder / "recordings.parquet")
    dataset = viodat.open_dataset(folder)
    store = grid_store(dataset, tmp_path)
    for one in store.recordings:
        assert (one.width_px, one.height_px) == dataset.camera(one.recording).size_px
    windows = Windows(store, store.recordings, frames=30, hop=30)
    assert np.isfinite(windows.batch(np.arange(len(windows))).pose2d).all()


def test_a_store_is_made_once(small, store, monkeypatch):
    monkeypatch.setattr("viodat.bench.store._write", lambda *_: pytest.fail("made again"))
    again = grid_store(viodat.open_dataset(small), store.folder.parent)
    assert again.folder == store.folder
    assert GridStore(store.folder).recordings == store.recordings


def test_a_store_is_of_one_dataset_and_one_way_to_ask(small, store, tmp_path):
    dataset = viodat.open_dataset(small)
    assert grid_store(dataset, tmp_path, rate_hz=60.0).folder.name != store.folder.name
    assert grid_store(dataset, tmp_path, pose2d="projected").folder.name != store.folder.name
    other = viodat.open_dataset(write_dataset(tmp_path / "other", seconds=9.0))
    assert grid_store(other, tmp_path).folder.name != store.folder.name


def test_sound_is_brought_when_it_is_asked_for(small, tmp_path, monkeypatch):
    """Theirs comes from Parquet; a spectrogram is given from 0 at its floor to 1 at full scale."""
    store = grid_store(viodat.open_dataset(small), tmp_path)
    assert not any(path.is_dir() for path in store.folder.iterdir())
    theirs = viodat.PoseWindows(small, split="train", frames=60, hop_s=1.0, audio="spectrogram100")
    windows = Windows(store, store.of_split("train"), frames=60, hop=30, audio="spectrogram100")
    batch = windows.batch(np.arange(len(windows)))
    assert batch.audio.shape == (len(theirs), 200, 128)
    for k, item in enumerate(theirs):
        np.testing.assert_allclose(batch.audio[k], np.nan_to_num(1 + item["audio"].numpy() / 100), atol=1e-6)
    monkeypatch.setattr("viodat.bench.store.write_sounds", lambda *_: pytest.fail("brought again"))
    again = GridStore(store.folder).sound("spectrogram100")
    np.testing.assert_array_equal(again.values, store.sound("spectrogram100").values)


def test_sound_that_is_not_there_is_told(small, tmp_path):
    store = grid_store(viodat.open_dataset(small), tmp_path / "grids")
    with pytest.raises(DatasetError, match="300 Hz were not built"):
        store.sound("features300")
    with pytest.raises(ConfigError, match="cannot listen to 'mfcc'; datasets store features30, "):
        store.sound("mfcc")
    with pytest.raises(DatasetError, match="not known from which sound"):
        GridStore(store.folder).sound("features100")
    copy = shutil.copytree(small, tmp_path / "copy")
    store = grid_store(viodat.open_dataset(copy), tmp_path / "grids")
    (copy / "manifest.json").write_text("{}")
    with pytest.raises(DatasetError, match="was built anew while it was in use"):
        store.sound("features100")


def test_a_store_that_was_not_finished_is_made_again(small, store, tmp_path):
    (tmp_path / store.folder.name).mkdir()
    (tmp_path / store.folder.name / "pose2d_px.npy").write_bytes(b"half")
    again = grid_store(viodat.open_dataset(small), tmp_path)
    np.testing.assert_array_equal(again.pose2d_px, store.pose2d_px)


def test_normalised_places_are_what_the_papers_have(store):
    every = np.arange(3)
    px = Windows(store, store.recordings, frames=30, hop=30, normalisation="px").batch(every).pose2d
    screen = Windows(store, store.recordings, frames=30, hop=30).batch(every).pose2d
    rooted = Windows(store, store.recordings, frames=30, hop=30, normalisation="root_px").batch(every).pose2d
    w, h = 1280.0, 720.0
    np.testing.assert_allclose(screen, np.stack([px[..., 0] / w * 2 - 1, px[..., 1] / w * 2 - h / w], -1), atol=1e-5)
    np.testing.assert_allclose(rooted, px - px[:, :, list(ROOT_JOINTS)].mean(axis=2, keepdims=True), atol=1e-3)


@pytest.mark.parametrize("normalisation", ["screen", "root_px", "px"])
def test_a_flipped_window_is_its_mirror_image_with_sides_exchanged(store, normalisation):
    windows = Windows(store, store.recordings, frames=30, hop=30, normalisation=normalisation)
    plain, flipped = windows.batch(np.array([1])), windows.batch(np.array([1]), np.array([True]))
    x, y = plain.pose2d[..., list(MIRROR), 0], plain.pose2d[..., list(MIRROR), 1]
    mirrored = 1279.0 - x if normalisation == "px" else -x
    np.testing.assert_allclose(flipped.pose2d, np.stack([mirrored, y], -1), atol=1e-4)
    np.testing.assert_allclose(flipped.target, plain.target[:, :, list(MIRROR)] * [-1, 1, 1], atol=1e-4)
    np.testing.assert_array_equal(flipped.valid, plain.valid[:, :, list(MIRROR)])


def test_edges_are_repeated_and_not_valid(store):
    one = store.recordings[:1]
    windows = Windows(store, one, frames=27, hop=1, offset=13, normalisation="px")
    assert len(windows) == one[0].points
    first = windows.batch(np.array([0]))
    assert not first.valid[0, :13].any()
    assert first.valid[0, 13:].all()
    np.testing.assert_array_equal(first.pose2d[0, :13], np.repeat(first.pose2d[0, 13:14], 13, axis=0))
    last = windows.batch(np.array([len(windows) - 1]))
    assert last.valid[0, :14].all()
    assert not last.valid[0, 14:].any()


@pytest.mark.parametrize(
    ("frames", "hop", "offset"), [(27, 1, 13), (150, 150, 0), (60, 30, 0), (60, 45, 20), (400, 400, 0)]
)
def test_every_frame_is_in_a_window(store, frames, hop, offset):
    windows = Windows(store, store.recordings, frames=frames, hop=hop, offset=offset)
    for k, one in enumerate(windows.recordings):
        first = windows.first[windows.of == k]
        covered = np.zeros(one.points, dtype=bool)
        for begin in first:
            covered[max(begin, 0) : begin + frames] = True
        assert covered.all()


def test_an_epoch_has_every_window_once_and_its_mirror_image(store):
    windows = Windows(store, store.recordings, frames=30, hop=7)
    seen = windows.order(np.random.default_rng(0), flips=True)
    np.testing.assert_array_equal(np.sort(seen), np.arange(2 * len(windows)))
    given = np.concatenate([one.pose2d for one in windows.epoch(8, np.random.default_rng(0), flips=True)])
    np.testing.assert_array_equal(given, windows.numbered(seen).pose2d)
    assert windows.batches(8, flips=True) == len(list(windows.epoch(8, flips=True)))
    np.testing.assert_array_equal(seen, windows.order(np.random.default_rng(0), flips=True))
    assert not np.array_equal(seen, windows.order(np.random.default_rng(1), flips=True))


def test_joints_that_were_missed_are_interpolated():
    px = np.random.default_rng(0).normal(size=(20, 18, 2)).astype(np.float32)
    px[5:8, 3] = np.nan
    px[:4, 4] = np.nan
    px[:, 6] = np.nan
    filled, seen = without_gaps(px, (1280.0, 720.0)), np.isfinite(px).all(axis=-1)
    assert np.isfinite(filled).all()
    np.testing.assert_array_equal(filled[seen], px[seen])
    np.testing.assert_allclose(filled[6, 3], (px[4, 3] + px[8, 3]) / 2, atol=1e-6)
    np.testing.assert_array_equal(filled[:4, 4], np.repeat(px[4:5, 4], 4, axis=0))
    others = np.delete(np.arange(18), 6)
    np.testing.assert_allclose(filled[:, 6], filled[:, others].mean(axis=1), atol=1e-6)
    nobody = without_gaps(np.full((3, 18, 2), np.nan, np.float32), (1280.0, 720.0))
    np.testing.assert_array_equal(nobody, np.broadcast_to(np.float32([639.5, 359.5]), (3, 18, 2)))
