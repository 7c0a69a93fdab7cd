import os

import pytest

from viodat.dataset.new_folder import new_folder
from viodat.errors import ConfigError


def test_it_is_there_when_it_is_whole(tmp_path):
    with new_folder(tmp_path / "deep" / "to", option="--to") as folder:
        (folder / "a.txt").write_text("a")
        assert not (tmp_path / "deep" / "to").exists()
    assert [path.name for path in (tmp_path / "deep").iterdir()] == ["to"]
    assert (tmp_path / "deep" / "to" / "a.txt").read_text() == "a"


def test_what_fails_leaves_nothing(tmp_path):
    (tmp_path / "to").mkdir()
    with pytest.raises(KeyboardInterrupt), new_folder(tmp_path / "to", option="--to") as folder:
        (folder / "a.txt").write_text("a")
        raise KeyboardInterrupt
    assert [path.name for path in tmp_path.iterdir()] == ["to"]
    assert not list((tmp_path / "to").iterdir())


def test_what_stands_there_stays(tmp_path):
    (tmp_path / "to").write_text("mine")
    message = r"^.*to: is there already, .* Name a new folder with --out"
    with pytest.raises(ConfigError, match=message), new_folder(tmp_path / "to", option="--out"):
        pytest.fail("an existing file was taken for a place")
    assert (tmp_path / "to").read_text() == "mine"


def test_a_place_that_cannot_be_written_is_one_line(tmp_path):
    (tmp_path / "file").write_text("")
    message = r"cannot be written \(.+\)\. Name a folder with --to"
    with pytest.raises(ConfigError, match=message), new_folder(tmp_path / "file" / "to", option="--to"):
        pytest.fail("a file was taken for a folder")


def test_others_may_read_it_as_any_new_folder(tmp_path):
    mask = os.umask(0o022)
    try:
        with new_folder(tmp_path / "to", option="--to"):
            pass
    finally:
        os.umask(mask)
    assert (tmp_path / "to").stat().st_mode & 0o777 == 0o755
