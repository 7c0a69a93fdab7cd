"""The cache: whole entries or none, whatever file system it lies on."""

import hashlib
import pickle
import shutil

import numpy as np
import pytest

from viodat.build.cache.sealed import sealed, unsealed
from viodat.build.cache.store import ARRAYS, VALUE, DamagedEntryError, Store, key_of
from viodat.errors import ConfigError

PARTS = {"a file": "00", "option": "x"}
KEY = key_of(PARTS)


@pytest.fixture(params=["local", "memory"])
def store(request, tmp_path):
    return Store(tmp_path / "cache" if request.param == "local" else f"memory://{tmp_path}")


def put(store, key=KEY, number=1.0, unit="P05T28"):
    with store.scratch("joints", unit) as folder:
        (folder / "motion").mkdir()
        (folder / "motion" / "x.parquet").write_bytes(b"rows")
        value = {"places": np.full(3, number), "file": folder / "motion" / "x.parquet"}
        return store.write("joints", unit, key, PARTS, value, folder, 1.25)


def test_what_was_written_is_read(store):
    put(store)
    entry = store.read("joints", "P05T28", KEY)
    assert (entry.parts, entry.seconds) == (PARTS, 1.25)
    folder = store.folder_of(entry)
    assert (folder / "motion" / "x.parquet").read_bytes() == b"rows"
    value = entry.value(folder)
    assert value["file"] == folder / "motion" / "x.parquet"
    np.testing.assert_array_equal(value["places"], np.ones(3))
    assert store.has("joints", "P05T28", KEY)
    assert store.latest("joints", "P05T28") == PARTS


def test_what_was_not_written_is_not_there(store):
    assert store.read("joints", "P05T28", KEY) is None
    assert not store.has("joints", "P05T28", KEY)
    assert store.latest("joints", "P05T28") is None


def test_a_worker_may_have_the_store(store):
    put(store)
    assert pickle.loads(pickle.dumps(store)).read("joints", "P05T28", KEY) is not None


def test_a_value_that_cannot_be_kept_leaves_nothing(store):
    with store.scratch("joints", "P05T28") as folder, pytest.raises(TypeError):
        store.write("joints", "P05T28", KEY, PARTS, object(), folder, 0.0)
    assert store.read("joints", "P05T28", KEY) is None


@pytest.mark.parametrize(
    "spoil", ["cut value", "digit", "cut arrays", "no arrays", "no file", "cut file", "other key", "list"]
)
def test_a_damaged_entry_is_not_there(tmp_path, spoil):
    store = Store(tmp_path / "cache")
    put(store)
    folder = tmp_path / "cache" / "joints" / "P05T28" / KEY
    content = (folder / VALUE).read_text()
    match spoil:
        case "cut value":
            (folder / VALUE).write_text(content[:-20])
        case "list":
            (folder / VALUE).write_bytes(sealed([]))
        case "digit":
            (folder / VALUE).write_text(content.replace("1.25", "1.26"))
        case "other key":
            (folder / VALUE).write_bytes(sealed({**unsealed(content.encode()), "key": "0"}))
        case "cut arrays":
            (folder / ARRAYS).write_bytes((folder / ARRAYS).read_bytes()[:-1])
        case "no arrays":
            (folder / ARRAYS).unlink()
        case "no file":
            shutil.rmtree(folder / "motion")
        case "cut file":
            (folder / "motion" / "x.parquet").write_bytes(b"row")
    assert store.read("joints", "P05T28", KEY) is None
    # The next build puts a good one in its place.
    put(store)
    assert store.read("joints", "P05T28", KEY) is not None


def test_arrays_that_were_changed_are_not_taken_for_the_real_ones(tmp_path):
    store = Store(tmp_path / "cache")
    put(store)
    path = tmp_path / "cache" / "joints" / "P05T28" / KEY / ARRAYS
    content = bytearray(path.read_bytes())
    content[-200] ^= 1
    path.write_bytes(content)
    with pytest.raises(DamagedEntryError, match="not what was written"):
        store.read("joints", "P05T28", KEY).value(tmp_path)


def test_pickled_arrays_are_refused(tmp_path):
    store = Store(tmp_path / "cache")
    put(store)
    folder = tmp_path / "cache" / "joints" / "P05T28" / KEY
    np.savez(folder / ARRAYS, a0=np.array([{"x": 1}], dtype=object))
    content = unsealed((folder / VALUE).read_bytes())
    packed = (folder / ARRAYS).read_bytes()
    content["arrays"] = {"bytes": len(packed), "sha256": hashlib.sha256(packed).hexdigest()}
    (folder / VALUE).write_bytes(sealed(content))
    with pytest.raises(DamagedEntryError, match="allow_pickle"):
        store.read("joints", "P05T28", KEY).value(tmp_path)


def test_the_last_two_results_are_kept(tmp_path):
    store = Store(tmp_path / "cache")
    for number in range(5):
        put(store, key=f"{number:032d}", number=number)
    kept = [number for number in range(5) if store.has("joints", "P05T28", f"{number:032d}")]
    assert kept == [3, 4]


def test_what_a_killed_build_left_is_swept_away(tmp_path):
    store = Store(tmp_path / "cache")
    put(store)
    store.note("P05T28", "joints", "P05T28")
    assert store.noted("P05T28") == "joints of P05T28"
    left = tmp_path / "cache" / "joints" / "P05T28" / ".123-abc"
    left.mkdir()
    (left / "half.parquet").write_bytes(b"")
    store.sweep(3600)
    assert left.exists()
    assert store.noted("P05T28") == "joints of P05T28"
    store.sweep()
    assert not left.exists()
    assert store.noted("P05T28") == ""
    assert store.read("joints", "P05T28", KEY) is not None


def test_a_place_that_nobody_knows_is_told():
    with pytest.raises(ConfigError, match="--cache nowhere://x"):
        Store("nowhere://x")


def test_an_entry_whose_files_lead_out_of_it_is_not_there(tmp_path):
    store = Store(tmp_path / "cache")
    put(store)
    path = tmp_path / "cache" / "joints" / "P05T28" / KEY / VALUE
    path.write_text(path.read_text().replace("motion/x.parquet", "../../evil"))
    assert store.read("joints", "P05T28", KEY) is None


def test_all_that_is_kept_of_somebody_can_be_removed(store):
    put(store)
    put(store, unit="P06T01")
    store.forget_unit("P05T28")
    store.forget_unit("P99T01")
    assert store.read("joints", "P05T28", KEY) is None
    assert store.read("joints", "P06T01", KEY) is not None
