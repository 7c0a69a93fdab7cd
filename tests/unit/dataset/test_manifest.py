import json

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
