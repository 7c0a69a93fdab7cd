"""Who is trained on, chosen by and tested."""

import pytest

import viodat
from tests.unit.dataset.small import write_dataset
from viodat.bench.division import divided, folds
from viodat.bench.store import grid_store
from viodat.errors import DatasetError


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    folder = write_dataset(tmp_path_factory.mktemp("small"), splits=("train", "train", "validation", "test"))
    one = grid_store(viodat.open_dataset(folder), tmp_path_factory.mktemp("grids"))
    (first, *_) = one.recordings
    # Three people, two cameras, four trials each; P06 is the test.
    splits = ("train", "train", "validation", "train")
    one.recordings = tuple(
        type(first)(**{
            **vars(first), "recording": f"{person}{device}T{k:02d}", "trial": f"{person}T{k:02d}",
            "participant": person, "device": device, "split": "test" if person == "P06" else split,
        })
        for person in ("P04", "P05", "P06") for k, split in enumerate(splits, 1) for device in ("C01", "C02")
    )  # fmt: skip
    return one


def ids(recordings, of="recording"):
    return {getattr(one, of) for one in recordings}


def assert_apart(division):
    parts = [ids(getattr(division, name)) for name in ("train", "validation", "test")]
    assert not parts[0] & parts[1] | parts[0] & parts[2] | parts[1] & parts[2]
    assert not ids(division.train, "trial") & ids(division.validation, "trial")
    assert not ids((*division.train, *division.validation), "participant") & ids(division.test, "participant")


def test_the_datasets_own_split_is_taken(store):
    division = divided(store)
    assert_apart(division)
    assert [len(part) for part in (division.train, division.validation, division.test)] == [12, 4, 8]


def test_a_participant_or_windows_can_be_held_back(store):
    division = divided(store, "participant")
    assert_apart(division)
    assert ids(division.validation, "participant") == {"P05"}
    assert ids(division.train, "participant") == {"P04"}
    division = divided(store, "window")
    assert (len(division.train), division.validation, division.held_windows) == (16, (), 0.1)
    assert division.validates


def test_each_participant_is_left_out_once(store):
    found = folds(store, "participant")
    assert [one.name for one in found] == ["without P04", "without P05", "without P06"]
    for division in found:
        assert_apart(division)
        assert len(division.test) == 8
    tested = [name for division in found for name in ids(division.test)]
    assert sorted(tested) == sorted(ids(store.recordings))


def test_each_camera_is_left_out_once(store):
    found = folds(store, "camera")
    assert [one.name for one in found] == ["without C01", "without C02"]
    for division in found:
        (device,) = ids(division.test, "device")
        assert device not in ids((*division.train, *division.validation), "device")
        assert ids(division.test, "participant") == {"P06"}
    assert sorted(name for one in found for name in ids(one.test)) == sorted(ids(divided(store).test))


@pytest.mark.parametrize("held", ["trial", "participant", "window"])
@pytest.mark.parametrize("by", ["dataset", "participant", "camera"])
def test_a_division_tells_how_it_came_about(store, by, held):
    assert {(one.by, one.held) for one in folds(store, by, held)} == {(by, held)}


def test_one_camera_cannot_be_left_out(store):
    alone = type(store)(store.folder)
    alone.recordings = tuple(one for one in store.recordings if one.device == "C01")
    with pytest.raises(DatasetError, match="without camera C01 there is nothing to train on"):
        folds(alone, "camera")
