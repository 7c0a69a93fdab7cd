import json
import os
import threading

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from viodat.dataset.manifest import FileState, read_manifest, verify, write_manifest
from viodat.errors import DatasetError


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "motion").mkdir()
    (tmp_path / "motion" / "a.parquet").write_bytes(b"a" * 100)
    (tmp_path / "b.json").write_text("{}")
    (tmp_path / "c.json").write_text("[]")
    write_manifest(tmp_path, {"motion/a.parquet": 7})
    return tmp_path


def test_every_file_is_listed_with_size_digest_and_rows(folder):
    entries = read_manifest(folder)
    assert set(entries) == {"motion/a.parquet", "b.json", "c.json"}
    assert entries["motion/a.parquet"]["bytes"] == 100
    assert entries["motion/a.parquet"]["rows"] == 7
    assert len(entries["b.json"]["sha256"]) == 64


def test_an_untouched_dataset_is_ok(folder):
    calls = []
    result = verify(folder, lambda done, total: calls.append((done, total)))
    assert result.ok
    assert calls[-1] == (104, 104)


def test_changed_missing_and_extra_files_are_told_apart(folder):
    (folder / "motion" / "a.parquet").write_bytes(b"a" * 99 + b"b")
    (folder / "b.json").unlink()
    (folder / "notes.txt").write_text("mine")
    result = verify(folder)
    assert not result.ok
    assert result.having(FileState.CHANGED) == ["motion/a.parquet"]
    assert result.having(FileState.MISSING) == ["b.json"]
    assert result.having(FileState.EXTRA) == ["notes.txt"]


def test_an_extra_file_alone_does_no_harm(folder):
    (folder / "notes.txt").write_text("mine")
    assert verify(folder).ok


def test_no_manifest_means_not_finished(tmp_path):
    with pytest.raises(DatasetError, match="not a finished viodat dataset"):
        read_manifest(tmp_path)


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", '{"files": 3}', '{"files": {"a": {"bytes": "x", "sha256": ""}}}', '{"files": {"a": 1}}'],
)
def test_a_damaged_manifest_is_refused(tmp_path, text):
    (tmp_path / "manifest.json").write_text(text)
    with pytest.raises(DatasetError, match=r"manifest.json: is damaged"):
        read_manifest(tmp_path)


def test_a_manifest_cannot_point_outside(tmp_path):
    entry = {"files": {"../secret": {"bytes": 1, "sha256": "0" * 64}}}
    (tmp_path / "manifest.json").write_text(json.dumps(entry))
    with pytest.raises(DatasetError, match="outside the dataset"):
        read_manifest(tmp_path)


def listing(tmp_path, *names, **more):
    entry = {"bytes": 1, "sha256": "0" * 64, **more}
    (tmp_path / "manifest.json").write_text(json.dumps({"files": dict.fromkeys(names, entry)}))
    return tmp_path


@pytest.mark.parametrize(
    "name",
    ["../secret", "a/../../secret", "/etc/passwd", "C:/secret", "C:secret", "a\\..\\b", "", ".", "./a", "a//b", "a\0b"],
)
def test_only_paths_below_the_dataset_are_read(tmp_path, name):
    with pytest.raises(DatasetError, match="outside the dataset"):
        read_manifest(listing(tmp_path, name))


@pytest.mark.parametrize("pair", [("a/B.parquet", "A/b.parquet"), ("\u00e9", "e\u0301")])
def test_two_names_of_one_file_are_refused(tmp_path, pair):
    with pytest.raises(DatasetError, match="one file on many disks"):
        read_manifest(listing(tmp_path, *pair))


@pytest.mark.parametrize(
    "more", [{"bytes": -1}, {"sha256": "0" * 63}, {"sha256": "G" * 64}, {"rows": -1}, {"rows": "x"}]
)
def test_entries_that_are_none_are_refused(tmp_path, more):
    with pytest.raises(DatasetError, match="is damaged"):
        read_manifest(listing(tmp_path, "a", **more))


def test_a_link_that_leaves_the_dataset_is_not_followed(folder, tmp_path_factory):
    elsewhere = tmp_path_factory.mktemp("elsewhere") / "b.json"
    elsewhere.write_text("{}")
    (folder / "b.json").unlink()
    (folder / "b.json").symlink_to(elsewhere)
    result = verify(folder)
    assert result.having(FileState.UNREADABLE) == ["b.json"]
    assert result.faults["b.json"] == "is a link that leaves the dataset; it was not followed"


def test_a_folder_that_is_a_link_is_not_followed_either(folder, tmp_path_factory):
    moved = tmp_path_factory.mktemp("elsewhere") / "motion"
    (folder / "motion").rename(moved)
    (folder / "motion").symlink_to(moved)
    assert verify(folder).having(FileState.UNREADABLE) == ["motion/a.parquet"]


def test_a_link_within_the_dataset_is_read(folder):
    (folder / "b.json").rename(folder / "kept.json")
    (folder / "b.json").symlink_to("kept.json")
    assert verify(folder).files["b.json"] is FileState.OK


def test_what_is_no_file_does_not_hang(folder):
    for name in ("b.json", "c.json"):
        (folder / name).unlink()
    os.mkfifo(folder / "b.json")
    (folder / "c.json").symlink_to("c.json")
    assert verify(folder).having(FileState.UNREADABLE) == ["b.json", "c.json"]


def test_rows_are_those_of_the_parquet_files(tmp_path):
    pq.write_table(pa.table({"x": [1, 2, 3]}), tmp_path / "a.parquet")
    write_manifest(tmp_path, {"a.parquet": 4})
    result = verify(tmp_path)
    assert not result.ok
    assert result.faults == {"a.parquet": "has 3 rows; the manifest says 4"}


def test_a_changed_size_is_told(folder):
    (folder / "b.json").write_text("{ }")
    assert verify(folder).faults == {"b.json": "has 3 bytes; 2 were built"}


@pytest.mark.parametrize("threads", [1, 2, 5])
def test_any_number_of_threads_finds_the_same(folder, threads):
    (folder / "b.json").write_text("[]")
    for name in range(20):
        (folder / f"extra{name}").write_text("mine")
    result = verify(folder, threads=threads)
    assert result.having(FileState.CHANGED) == ["b.json"]
    assert len(result.having(FileState.OK)) == 2


def test_progress_goes_on_within_a_file_and_from_the_calling_thread(tmp_path, monkeypatch):
    (tmp_path / "large").write_bytes(b"x" * 64_000_000)
    write_manifest(tmp_path, {})
    monkeypatch.setattr("viodat.dataset.manifest._SECONDS_BETWEEN_CALLS", 0.001)
    calls = []
    verify(tmp_path, lambda done, total: calls.append((done, total, threading.current_thread())))
    done = [call[0] for call in calls]
    assert done == sorted(done)
    assert any(0 < one < 64_000_000 for one in done)
    assert calls[-1][:2] == (64_000_000, 64_000_000)
    assert {call[2] for call in calls} == {threading.current_thread()}


def test_an_interrupted_check_ends(tmp_path):
    for name in range(4):
        (tmp_path / str(name)).write_bytes(b"x" * 50_000_000)
    write_manifest(tmp_path, {})

    def stop(done, total):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        verify(tmp_path, stop, threads=1)
