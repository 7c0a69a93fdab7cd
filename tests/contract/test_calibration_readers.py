"""Every calibration reader: it knows its own format, finds the cameras that were put in, and survives damage."""

from __future__ import annotations

import itertools
import time
import warnings

import numpy as np
import pytest

from tests.mutate import careless_edits, mutants
from tests.unit.capture.cameras.samples import SAMPLES, write_sample
from viodat.camera import Camera
from viodat.capture.cameras import READERS, calibration_format, read_cameras
from viodat.errors import CaptureError, ViodatWarning

MUTANTS = 120
SECONDS_PER_FILE = 2.0

names = [reader.name for reader in READERS]


def test_each_reader_has_a_sample_and_a_name_of_its_own():
    assert sorted(SAMPLES) == sorted(names)
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("reader", READERS, ids=names)
def test_a_reader_says_what_it_reads(reader):
    assert reader.description
    assert all(suffix.startswith(".") and suffix == suffix.lower() for suffix in reader.suffixes)


@pytest.mark.parametrize("reader", READERS, ids=names)
def test_a_file_is_recognised_by_exactly_its_own_reader(reader, tmp_path):
    path = write_sample(reader.name, tmp_path)
    head = path.read_bytes()[:65536]
    assert [other.name for other in READERS if other.sniff(path, head)] == [reader.name]
    assert path.suffix in reader.suffixes


@pytest.mark.parametrize("reader", READERS, ids=names)
@pytest.mark.parametrize(
    "content", [b"", b"\x00\xff\xfe" * 40, b"hello", b"<a/>", b"{}", b"[]", b"a: 1\n", b"[t]\nb=1\n"]
)
def test_other_files_are_not_taken_for_it(reader, content, tmp_path):
    path = tmp_path / f"other{reader.suffixes[0]}"
    path.write_bytes(content)
    if calibration_format(path) is reader:
        with pytest.raises(CaptureError, match=path.name):
            read_cameras(path)


@pytest.mark.parametrize("reader", READERS, ids=names)
def test_the_cameras_that_were_put_in_come_out(reader, tmp_path):
    found = read_cameras(write_sample(reader.name, tmp_path))
    truth = SAMPLES[reader.name][2]
    assert list(found) == [camera.id for camera in truth]
    for camera in truth:
        ours = found[camera.id]
        assert ours.size_px == camera.size_px
        assert ours.source == SAMPLES[reader.name][0]
        np.testing.assert_allclose(ours.centre_mm, camera.centre_mm, atol=1e-6)
        px = np.random.default_rng(7).uniform((0, 0), camera.size_px, (200, 2))
        points = camera.back_project(px, 2500.0)
        np.testing.assert_allclose(ours.project(points), px, atol=1e-6)


@pytest.mark.parametrize("reader", READERS, ids=names)
def test_a_damaged_file_gives_cameras_or_one_clear_error(reader, tmp_path):
    content = write_sample(reader.name, tmp_path).read_bytes()
    path = tmp_path / f"damaged{''.join((tmp_path / SAMPLES[reader.name][0]).suffixes)}"
    outcomes = {"read": 0, "refused": 0}
    messages: list[str] = []
    damage = itertools.chain(mutants(content, MUTANTS, seed=11), careless_edits(content, MUTANTS, seed=12))
    for what, damaged in damage:
        path.write_bytes(damaged)
        started = time.perf_counter()
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", ViodatWarning)
                cameras = read_cameras(path)
        except CaptureError as error:
            messages.append(str(error))
            outcomes["refused"] += 1
        else:
            assert cameras, what
            for camera in cameras.values():
                assert isinstance(camera, Camera)
                for array in (camera.matrix, camera.rotation, camera.translation_mm):
                    assert np.isfinite(array).all(), what
                assert camera.project(np.zeros((4, 3))).shape == (4, 2), what
            outcomes["read"] += 1
        assert time.perf_counter() - started < SECONDS_PER_FILE, what
    print(f"{reader.name}: {outcomes}")
    assert all(message.startswith(path.name) and "\n" not in message for message in messages)
    # Damage that is never noticed, or that nothing survives, would mean that the test tests nothing.
    assert outcomes["refused"] > MUTANTS // 4
    assert outcomes["read"] > 0
