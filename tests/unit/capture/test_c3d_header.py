from __future__ import annotations

import numpy as np
import pytest

from tests.unit.capture.c3d_files import coordinates, poke, poke_parameter, write_c3d
from viodat.capture.c3d import read_c3d
from viodat.capture.c3d_header import read_header
from viodat.capture.c3d_layout import check_c3d
from viodat.capture.c3d_parameters import clean_text, dec_float, walk_parameters
from viodat.errors import CaptureError

LABELS = ["LASI", "RASI", "SACR"]
FRAMES = 100
POINTS = coordinates(3, FRAMES)


@pytest.fixture
def path(tmp_path):
    return write_c3d(tmp_path / "P05T28.c3d", LABELS, POINTS)


def message(path) -> str:
    with pytest.raises(CaptureError) as caught:
        read_c3d(path, isolated=False)
    text = str(caught.value)
    assert "\n" not in text
    return text


def test_missing_file_names_the_nearest(path):
    text = message(path.with_name("P05T82.c3d"))
    assert "no such file" in text
    assert "Did you mean P05T28.c3d?" in text
    assert "there is no folder" in message(path.parent / "absent" / "a.c3d")


def test_folder_empty_text_and_other_files(path):
    assert "is a folder" in message(path.parent)
    path.write_bytes(b"")
    assert "is empty" in message(path)
    path.write_text("time,x,y\n0,1,2\n")
    assert "text file, not a C3D file: it begins with 'time,x,y'" in message(path)
    path.write_bytes(b"RIFF\x00\x00\x00\x00WAVE")
    assert "second byte is 0x49, expected 0x50" in message(path)
    path.write_bytes(b"\x02\x50\x01\x00")
    assert "cut short inside its header" in message(path)


def test_truncated_file_says_how_much_is_left(path):
    layout = check_c3d(path)
    content = path.read_bytes()
    path.write_bytes(content[: layout.data_start + 12 * layout.frame_bytes + 5])
    assert f"it holds 12 of {FRAMES} frames" in message(path)


def test_pointers_outside_the_file(path):
    assert "should start in block 200" in message(poke(path, 0, "B", 200))
    poke(path, 0, "B", 2)
    assert "names processor type 99" in message(poke(path, 515, "B", 99))
    poke(path, 515, "B", 84)
    poke(path, 16, "H", 900)
    poke_parameter(path, b"DATA_START", "H", 900)
    assert "data should start in block 900" in message(path)


def test_a_contradiction_that_the_size_settles(path):
    poke(path, 2, "H", 2)
    trial = read_c3d(path, isolated=False)
    np.testing.assert_allclose(trial.positions_mm, POINTS, atol=1e-3)
    assert any("points 3 or 2" in note for note in trial.notes)


@pytest.mark.parametrize("shift", [1, -1])
def test_data_start_that_only_the_parameters_have_right(path, shift):
    block = read_header(path).data_block
    poke(path, 16, "H", block + shift)
    trial = read_c3d(path, isolated=False)
    np.testing.assert_allclose(trial.positions_mm, POINTS, atol=1e-3)


def test_a_contradiction_that_nothing_settles(path):
    path.write_bytes(path.read_bytes() + bytes(5000))
    poke(path, 2, "H", 2)
    assert "contradicts itself: points 3 or 2" in message(path)


def test_two_scales_of_integer_data(path):
    poke(path, 12, "f", 0.05)
    poke_parameter(path, b"SCALE", "f", 0.02)
    assert "two scales for its integer coordinates, 0.05 in the header and 0.02" in message(path)


def test_surplus_bytes_are_noted(path):
    path.write_bytes(path.read_bytes() + bytes(5000))
    assert any("bytes more than its 100 frames need" in note for note in check_c3d(path).notes)


def test_damaged_parameters_say_where(path):
    content = path.read_bytes()
    at = content.index(b"LABELS", 512)
    poke(path, at + len(b"LABELS"), "H", 60_000)
    assert read_header(path).parameters.damaged_at == at - 2
    assert f"parameter section is damaged at byte {at - 2}" in message(path)


def test_parameters_walk_of_nothing_and_of_noise():
    assert walk_parameters(b"", offset=512, processor="intel").values == {}
    rng = np.random.default_rng(0)
    for _ in range(200):
        walk_parameters(rng.bytes(300), offset=0, processor="mips")


def test_dec_floats():
    # 1.0 and -100.0 as VAX F_floating: sign, exponent biased by 128, hidden bit below the point, words swapped.
    assert dec_float(bytes([0x80, 0x40, 0x00, 0x00])) == 1.0
    assert dec_float(bytes([0xC8, 0xC3, 0x00, 0x00])) == -100.0


def test_text_of_any_encoding():
    assert clean_text("Hüfte".encode()) == "Hüfte"
    assert clean_text("Hüfte  ".encode("latin-1")) == "Hüfte"
    assert clean_text(b"LASI\0\0") == "LASI"
