import hashlib
import stat

import pytest

from viodat.files import atomic_path, sha256, write_text


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path):
    target = tmp_path / "table.parquet"
    target.write_text("old")
    with pytest.raises(RuntimeError, match="disk full"), atomic_path(target) as temporary:
        temporary.write_text("half of the ne")
        raise RuntimeError("disk full")
    assert target.read_text() == "old"
    assert list(tmp_path.iterdir()) == [target]


def test_an_interrupted_write_leaves_nothing(tmp_path):
    with pytest.raises(KeyboardInterrupt), atomic_path(tmp_path / "new" / "a.txt") as temporary:
        temporary.write_text("half")
        raise KeyboardInterrupt
    assert list((tmp_path / "new").iterdir()) == []


def test_the_written_file_has_the_suffix_while_it_is_written_and_ordinary_rights_after(tmp_path):
    with atomic_path(tmp_path / "a.png") as temporary:
        assert temporary.suffix == ".png"
        assert temporary.parent == tmp_path
        temporary.write_bytes(b"x")
    plain = tmp_path / "b"
    plain.write_text("")
    assert stat.S_IMODE((tmp_path / "a.png").stat().st_mode) == stat.S_IMODE(plain.stat().st_mode)


def test_sha256_of_a_file_larger_than_one_chunk(tmp_path):
    content = "violin\n" * 400_000
    write_text(tmp_path / "a.txt", content)
    assert sha256(tmp_path / "a.txt") == hashlib.sha256(content.encode()).hexdigest()
