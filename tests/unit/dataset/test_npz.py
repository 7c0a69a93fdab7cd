"""Foreign archives: what numpy writes comes back; sizes, names and headers that lie are refused."""

from __future__ import annotations

import os
import pickle
import random
import struct
import zipfile

import numpy as np
import pytest

from tests.unit.dataset.hostile import Calls, Plain, in_array, npy, npy_header, object_npy, write_zip
from viodat.dataset.importers.npz import Archive
from viodat.errors import CaptureError

LIMIT = 1 << 20


def read(path, name="poses", limit=LIMIT):
    with Archive(path, limit) as archive:
        return archive.read(name)


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_what_numpy_writes_comes_back(tmp_path, save):
    frames = np.empty(3, object)
    frames[:] = [1, "two", None]
    content = {
        "poses": {"P05C01T28": np.arange(6.0).reshape(2, 3)},
        "plain": np.asfortranarray(np.arange(6, dtype=">i2").reshape(2, 3)),
        "text": np.array(["violin", "é"]),
        "none": np.zeros((0, 3)),
        "frames": frames,
    }
    save(tmp_path / "a.npz", **content)
    with Archive(tmp_path / "a.npz", LIMIT) as archive:
        assert archive.names == tuple(content)
        np.testing.assert_array_equal(archive.read("poses")["P05C01T28"], content["poses"]["P05C01T28"])
        for name in ("plain", "text", "none", "frames"):
            np.testing.assert_array_equal(archive.read(name), content[name])
            assert archive.read(name).shape == content[name].shape


def test_a_member_that_says_it_is_large_is_not_unpacked(tmp_path):
    bomb = write_zip(tmp_path / "a.npz", {"poses.npy": npy(np.zeros(LIMIT))})
    assert bomb.stat().st_size < LIMIT / 50
    with pytest.raises(CaptureError, match=r"poses unpacks to 0\.00781 GiB; the limit is 0\.000977\. .*--limit-gib"):
        read(bomb)
    assert read(bomb, limit=LIMIT * 9).shape == (LIMIT,)


def test_a_member_that_says_it_is_small_is_not_unpacked_further(tmp_path):
    """Both places of the archive state 200 bytes; the data go on for 8 MiB."""
    path = write_zip(tmp_path / "a.npz", {"poses.npy": npy(np.zeros(LIMIT))})
    size = struct.pack("<L", len(npy(np.zeros(LIMIT))))
    content = path.read_bytes()
    assert content.count(size) == 2
    path.write_bytes(content.replace(size, struct.pack("<L", 200)))
    with pytest.raises(CaptureError, match=r"poses (declares shape|cannot be read \(Bad CRC)"):
        read(path)


def test_a_pickle_that_says_it_is_small_is_not_unpacked_further(tmp_path):
    member = object_npy(b"(" + b"N" * (1 << 22) + b"l.")
    path = write_zip(tmp_path / "a.npz", {"poses.npy": member})
    path.write_bytes(path.read_bytes().replace(struct.pack("<L", len(member)), struct.pack("<L", 4096)))
    with pytest.raises(CaptureError, match=r"poses (is a damaged pickle|cannot be read)"):
        read(path)


def test_a_pickle_that_grows_in_memory_is_counted(tmp_path):
    path = write_zip(tmp_path / "a.npz", {"poses.npy": object_npy(b"(" + b"}" * (LIMIT // 2) + b"l.")})
    with pytest.raises(CaptureError, match="takes more than .* of memory"):
        read(path)


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("../poses.npy", "../poses.npy"),
        ("a/../../poses.npy", "a/../../poses.npy"),
        ("..\\poses.npy", "poses.npy"),
        ("/etc/cron.d/poses.npy", "/etc/cron.d"),
        ("C:\\poses.npy", "C:"),
    ],
)
def test_names_that_lead_out_of_a_folder_are_refused(tmp_path, name, shown):
    path = write_zip(tmp_path / "a.npz", {"poses.npy": npy(np.eye(2)), name: b"x"}, packed=zipfile.ZIP_STORED)
    with pytest.raises(CaptureError, match="outside the folder") as caught:
        read(path)
    assert shown in str(caught.value)


@pytest.mark.parametrize(
    ("member", "says"),
    [
        (npy_header((10**12, 10**12), "<f8"), r"declares shape \(1000000000000, 1000000000000\)"),
        (npy_header((10**9,), "<f8") + b"12345678", "8,000,000,000 bytes, and holds 8"),
        (npy_header((-1,), "<f8") + b"12345678", "poses declares shape"),
        (npy_header((1,), "<U1") + b"\xff\xff\xff\xff", "beyond Unicode"),
        (npy(np.zeros(2, [("a", "f8")])), "only numbers, text and objects"),
        (npy(np.zeros(2, [("a", object)])), "only numbers, text and objects"),
        (npy(np.zeros(2, "M8[s]")), "only numbers, text and objects"),
        (npy_header((2,), "|O") + in_array({}), r"says shape \(2,\) and holds something else"),
        (object_npy(pickle.dumps({"a": 1})), "holds something else"),
        (object_npy(pickle.dumps(Calls(os.system, "touch ran"))), r"poses would load posix\.system"),
        (object_npy(in_array([Plain()])), r"poses would load tests\.unit\.dataset\.hostile\.Plain"),
        (npy_header((), "__import__('os')"), "cannot be read"),
        (b"\x93NUMPY\x02\x00\xff\xff\xff\x7f{", "cannot be read"),
        (b"not numpy's", "cannot be read"),
        (b"", "cannot be read"),
    ],
)
def test_members_that_are_not_what_they_say(tmp_path, member, says):
    path = write_zip(tmp_path / "a.npz", {"poses.npy": member})
    with pytest.raises(CaptureError, match=says) as caught:
        read(path)
    assert str(caught.value).startswith("a.npz: ")
    assert "\n" not in str(caught.value)


def test_archives_that_are_none(tmp_path):
    (tmp_path / "bare.npz").write_bytes(pickle.dumps(Calls(os.system, "touch ran")))
    (tmp_path / "text.npz").write_text("<html>404</html>")
    for name, says in (("bare", "is a bare pickle"), ("text", "is not a .npz"), ("none", "there is no such file")):
        with pytest.raises(CaptureError, match=says):
            Archive(tmp_path / f"{name}.npz", LIMIT)


def test_members_that_numpy_does_not_write(tmp_path):
    path = write_zip(tmp_path / "lzma.npz", {"poses.npy": npy(np.eye(2))}, packed=zipfile.ZIP_LZMA)
    with pytest.raises(CaptureError, match="packed in a way"):
        Archive(path, LIMIT)
    with zipfile.ZipFile(tmp_path / "two.npz", "w") as archive:
        archive.writestr("poses.npy", npy(np.eye(2)))
        with pytest.warns(UserWarning, match="Duplicate"):
            archive.writestr("poses.npy", npy(np.eye(3)))
    with pytest.raises(CaptureError, match="two members called poses"):
        Archive(tmp_path / "two.npz", LIMIT)
    plain = write_zip(tmp_path / "locked.npz", {"poses.npy": npy(np.eye(2))})
    content = bytearray(plain.read_bytes())
    content[content.index(b"PK\x01\x02") + 8] |= 1
    plain.write_bytes(content)
    with pytest.raises(CaptureError, match="is encrypted"):
        Archive(plain, LIMIT)


def test_damaged_data_are_told_by_the_checksum(tmp_path):
    path = write_zip(tmp_path / "a.npz", {"poses.npy": npy(np.arange(64.0))}, packed=zipfile.ZIP_STORED)
    content = bytearray(path.read_bytes())
    content[300] ^= 1
    path.write_bytes(content)
    with pytest.raises(CaptureError, match="CRC"):
        read(path)


def test_damaged_archives_are_refused_or_read(tmp_path):
    """1500 archives with a few bytes changed or their end cut off: numbers or one line, nothing else."""
    good = tmp_path / "good.npz"
    np.savez_compressed(good, poses={"P05C01T28": np.arange(40.0)}, plain=np.arange(30), text=np.array(["violin"]))
    content, bad = good.read_bytes(), tmp_path / "bad.npz"
    chance = random.Random(7)
    outcomes = set()
    for _ in range(1500):
        changed = bytearray(content)
        for _ in range(chance.choice((1, 2, 5))):
            changed[chance.randrange(len(changed))] = chance.randrange(256)
        bad.write_bytes(changed[: chance.randrange(len(changed))] if chance.random() < 0.2 else changed)
        try:
            with Archive(bad, LIMIT) as archive:
                for name in archive.names:
                    archive.read(name)
            outcomes.add("read")
        except CaptureError as error:
            assert "\n" not in str(error)
            outcomes.add("refused")
    assert outcomes == {"read", "refused"}
