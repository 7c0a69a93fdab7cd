"""Digests of raw files: read once, and again when they change."""

import hashlib
import os

import pytest

from viodat.build.cache import digests as module
from viodat.build.cache.digests import UNREADABLE, FileDigests
from viodat.build.cache.sealed import sealed


@pytest.fixture
def read(monkeypatch):
    """What is really read."""
    paths = []
    real = module.sha256
    monkeypatch.setattr(module, "sha256", lambda path, stop=None: paths.append(path.name) or real(path))
    return paths


def test_a_file_is_read_once_and_again_when_it_changes(tmp_path, read):
    file, record = tmp_path / "a.c3d", tmp_path / "digests.json"
    file.write_bytes(b"one")
    first = FileDigests(record)
    assert first.of([file]) == {file: hashlib.sha256(b"one").hexdigest()}
    first.save()
    assert FileDigests(record).of([file, file]) == first.of([file])
    assert read == ["a.c3d"]
    file.write_bytes(b"two")
    os.utime(file, ns=(1, 1))
    assert FileDigests(record).of([file]) == {file: hashlib.sha256(b"two").hexdigest()}
    assert read == ["a.c3d", "a.c3d"]


def test_a_file_that_cannot_be_read_is_no_file_of_that_digest(tmp_path):
    gone = tmp_path / "gone.c3d"
    assert FileDigests(None).of([gone])[gone].startswith(UNREADABLE)


@pytest.mark.parametrize(
    "content",
    [b"", b"{}", *map(sealed, ([], {"format": 9, "files": {}}, {"format": 1, "files": {"x": 3}}))],
)
def test_a_damaged_record_is_an_empty_one(tmp_path, read, content):
    file, record = tmp_path / "a.c3d", tmp_path / "digests.json"
    file.write_bytes(b"one")
    record.write_bytes(content)
    FileDigests(record).of([file])
    assert read == ["a.c3d"]


def test_progress_counts_bytes_that_are_read(tmp_path):
    files = [tmp_path / name for name in "abc"]
    for file in files:
        file.write_bytes(b"12345")
    told = []
    FileDigests(None).of(files, lambda done, total: told.append((done, total)))
    assert told == [(5, 15), (10, 15), (15, 15)]
