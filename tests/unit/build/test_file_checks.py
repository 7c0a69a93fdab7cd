"""Checks of files as such: empty, forbidden, linked from elsewhere, copied."""

from __future__ import annotations

import os
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.unit.build.check_views import problems
from viodat.capture.raw import RawRecording, RawTrial


@pytest.fixture
def capture(tmp_path: Path) -> Any:
    """Two trials by one phone each, every file of its own content."""
    folder = tmp_path / "raw"
    folder.mkdir()
    trials, recordings = [], []
    for number in (1, 2):
        markers, video = folder / f"P05T0{number}.c3d", folder / f"P05C01T0{number}.mp4"
        markers.write_bytes(b"markers %d" % number)
        video.write_bytes(b"video %d" % number)
        recordings.append(RawRecording(f"P05C01T0{number}", "P05", f"P05T0{number}", "C01", "camera", video=video))
        trials.append(RawTrial(f"P05T0{number}", "P05", markers, recordings=(recordings[-1],)))
    layout = SimpleNamespace(trials=tuple(trials), recordings=tuple(recordings), calibration=())
    return SimpleNamespace(folder=folder, layout=layout)


@pytest.mark.parametrize("check", ["file-empty", "file-forbidden", "file-linked", "file-copied"])
def test_good_files_have_no_finding(capture, check):
    assert not problems(check, capture)


def test_an_empty_file_is_told_by_its_path(capture):
    (capture.folder / "P05C01T02.mp4").write_bytes(b"")
    (one,) = problems("file-empty", capture)
    assert one.where == "P05C01T02.mp4"
    assert not problems("file-copied", capture)


@pytest.mark.skipif(hasattr(os, "geteuid") and os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read_is_told(capture):
    (capture.folder / "P05T01.c3d").chmod(0)
    (one,) = problems("file-forbidden", capture)
    assert one.where == "P05T01.c3d"


def test_a_link_that_leaves_the_capture_is_told_and_one_within_is_not(capture, tmp_path):
    elsewhere = tmp_path / "disk" / "take.mp4"
    elsewhere.parent.mkdir()
    elsewhere.write_bytes(b"elsewhere")
    video = capture.folder / "P05C01T01.mp4"
    video.unlink()
    video.symlink_to(elsewhere)
    (one,) = problems("file-linked", capture)
    assert str(elsewhere) in one.problem
    video.unlink()
    video.symlink_to(capture.folder / "P05C01T02.mp4")
    assert not problems("file-linked", capture)


def test_a_trial_under_two_names_is_one_finding(capture):
    for name in ("P05T0{}.c3d", "P05C01T0{}.mp4"):
        (capture.folder / name.format(2)).write_bytes((capture.folder / name.format(1)).read_bytes())
    (one,) = problems("file-copied", capture)
    assert one.where == "P05T01, P05T02"
    assert one.value == 2
    assert "2 files of P05T01 and P05T02 are the same" in one.problem


def test_files_of_equal_size_and_other_content_are_no_copies(capture):
    (capture.folder / "P05T02.c3d").write_bytes(b"markers 3")
    assert not problems("file-copied", capture)
