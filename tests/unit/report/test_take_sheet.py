"""A take sheet is one page of a stated size, the same bytes every time, whatever is missing or misnamed."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import cv2
import matplotlib
import numpy as np
import pytest

from tests.unit.report.sheets import make_sheet
from viodat.joints import JOINTS
from viodat.report.style import LEFT, RIGHT, fit, text_width, viodat_style, wrap
from viodat.report.take_sheet import SheetAudio, SheetPitch, SheetRecording, Thumbnail, draw_take_sheet
from viodat.report.thumbnails import crop_box, draw_tile, median_distance_px

SVG = "{http://www.w3.org/2000/svg}"


def read_rgb(path: Path) -> np.ndarray:
    return cv2.cvtColor(cv2.imread(str(path)), cv2.COLOR_BGR2RGB)


def share_of(picture: np.ndarray, colour: str) -> int:
    wanted = [int(colour[i : i + 2], 16) for i in (1, 3, 5)]
    return int((np.abs(picture.astype(int) - wanted) <= 6).all(axis=2).sum())


def words_of(svg: Path) -> list[str]:
    """Texts of an SVG: matplotlib writes each as a comment beside its glyphs."""
    builder = ElementTree.TreeBuilder(insert_comments=True)
    root = ElementTree.parse(svg, parser=ElementTree.XMLParser(target=builder)).getroot()
    return [str(node.text).strip() for node in root.iter(ElementTree.Comment)]


def test_png_is_a4_landscape_at_200_dots_per_inch(tmp_path: Path) -> None:
    draw_take_sheet(make_sheet(), tmp_path / "sheet.png")
    assert read_rgb(tmp_path / "sheet.png").shape == (1654, 2338, 3)
    assert [path.name for path in tmp_path.iterdir()] == ["sheet.png"]


def test_same_sheet_gives_same_bytes_whatever_the_users_settings(tmp_path: Path) -> None:
    draw_take_sheet(make_sheet(), tmp_path / "a.png", tmp_path / "a.svg")
    with matplotlib.rc_context({"font.size": 20, "axes.facecolor": "black", "svg.hashsalt": None}):
        before = dict(matplotlib.rcParams)
        draw_take_sheet(make_sheet(), tmp_path / "b.png", tmp_path / "b.svg")
        assert dict(matplotlib.rcParams) == before
    for suffix in ("png", "svg"):
        assert (tmp_path / f"a.{suffix}").read_bytes() == (tmp_path / f"b.{suffix}").read_bytes()
    assert b"dc:date" not in (tmp_path / "a.svg").read_bytes()


def test_left_is_blue_and_right_is_vermilion(tmp_path: Path) -> None:
    sheet = make_sheet(thumbnails=(), audio=None, pitch=None)
    for side, drawn, absent in (("left", LEFT, RIGHT), ("right", RIGHT, LEFT)):
        joints_mm = sheet.joints_mm.copy()
        joints_mm[:, [not name.startswith(side) for name in JOINTS]] = np.nan
        draw_take_sheet(replace(sheet, joints_mm=joints_mm), tmp_path / "sheet.png")
        plots = read_rgb(tmp_path / "sheet.png")[200:800]
        assert share_of(plots, drawn) > 2000
        assert share_of(plots, absent) == 0


def test_words_state_what_is_there(tmp_path: Path) -> None:
    draw_take_sheet(make_sheet(), tmp_path / "sheet.png", tmp_path / "sheet.svg")
    words = words_of(tmp_path / "sheet.svg")
    for expected in (
        "P05T28",
        "participant P05 · split test · 3.0 s · 300 frames · 100 Hz · 5 markers",
        "left wrist",
        "right ankle",
        "16.7 %",
        "+1.2345 s",
        "± 0.8 ms",
        "P05C02T28 has no sound.",
        "P05C01T28 · 1.00 s",
        "median 4.2 px apart",
        "A4",
        "viodat 0.1.0",
    ):
        assert expected in words, expected


def test_a_fitted_joint_has_its_sigma_beside_what_places_it(tmp_path: Path) -> None:
    methods = tuple(f"skeleton(midpoint:{joint}+X)" if "knee" in joint else "pig:x" for joint in JOINTS)
    sigma = tuple(2.34 if joint == "left_knee" else 2.51 if joint == "right_knee" else np.nan for joint in JOINTS)
    draw_take_sheet(make_sheet(methods=methods, sigma_mm=sigma), tmp_path / "sheet.png", tmp_path / "sheet.svg")
    words = words_of(tmp_path / "sheet.svg")
    assert "± 2.3, 2.5 mm, midpoint" in words
    assert sum("mm, " in text and text.startswith("±") for text in words) == 1
    with pytest.raises(ValueError, match="sigma_mm"):
        make_sheet(sigma_mm=(1.0, 2.0))


def test_distances_are_in_pixels_of_the_video(tmp_path: Path) -> None:
    whole = make_sheet().thumbnails[0]
    half = Thumbnail("half", whole.image, whole.truth_px, whole.detected_px, scale=0.5)
    draw_take_sheet(make_sheet(thumbnails=(half,)), tmp_path / "sheet.png", tmp_path / "sheet.svg")
    assert "median 8.5 px apart" in words_of(tmp_path / "sheet.svg")


def test_what_is_missing_is_said_in_words(tmp_path: Path) -> None:
    bare = make_sheet(
        joints_mm=np.full((300, 18, 3), np.nan),
        methods=("",) * 18,
        marker_valid=np.ones((300, 5), dtype=bool),
        audio=None,
        pitch=None,
        recordings=(),
        thumbnails=(),
        notes=(),
    )
    draw_take_sheet(bare, tmp_path / "sheet.png", tmp_path / "sheet.svg")
    words = words_of(tmp_path / "sheet.svg")
    assert "No arm or leg joint is determined in any frame of this trial." in words
    assert "None: its 5 markers are present in all 300 frames." in words
    assert "This trial has no sound." in words
    assert "None: this trial has markers only." in words
    assert words.count("not determined") == 9
    for sounds, said in ((1, "The clock of its one sound is not known"), (5, "The clock of the best of its 5 sounds")):
        draw_take_sheet(replace(bare, sounds=sounds), tmp_path / "sheet.png", tmp_path / "sheet.svg")
        assert any(text.startswith(said) for text in words_of(tmp_path / "sheet.svg"))
    assert words.count("0 %") == 18


@pytest.mark.parametrize(
    "changes",
    [
        {"frames": 1},
        {"frames": 2},
        {"markers": 0},
        {"markers": 96},
        {"frames": 1, "joints_mm": np.full((1, 18, 3), np.nan), "thumbnails": ()},
        {"audio": SheetAudio(np.zeros(800), 8000.0, 1.0)},
        {"audio": SheetAudio(np.empty(0), 8000.0, 1.0)},
        {"audio": SheetAudio(np.full(8000, 0.5), 8000.0, 900.0), "pitch": None},
        {"audio": SheetAudio(np.full(8000, np.nan), 8000.0, 1.0)},
        {"pitch": SheetPitch(np.arange(3.0), np.full(3, np.nan))},
        {"pitch": SheetPitch(np.arange(3.0), np.array([30.0, 9000.0, 440.0]))},
        {"recordings": tuple(SheetRecording(f"C{i}", "", None, None, "no clock") for i in range(40))},
        {"notes": tuple("word " * 60 for _ in range(20)), "provenance": "x" * 3000},
        {"trial": "Été_$x^{2$_小提琴\x07_\ud800<b>&--", "participant": "", "split": "$\\frac{"},
    ],
    ids=lambda changes: ",".join(changes),
)
def test_odd_trials_are_drawn(changes: dict[str, Any], tmp_path: Path) -> None:
    sheet = make_sheet(**changes)
    draw_take_sheet(sheet, tmp_path / "sheet.png", tmp_path / "sheet.svg")
    assert read_rgb(tmp_path / "sheet.png").shape == (1654, 2338, 3)
    ElementTree.parse(tmp_path / "sheet.svg")


def test_only_the_first_six_cameras_are_shown_and_the_rest_counted(tmp_path: Path) -> None:
    image = np.zeros((20, 30, 3), dtype=np.uint8)
    nothing = np.full((18, 2), np.nan)
    tiles = tuple(Thumbnail(f"C{i}", image, nothing, nothing) for i in range(9))
    draw_take_sheet(make_sheet(thumbnails=tiles), tmp_path / "sheet.png", tmp_path / "sheet.svg")
    words = words_of(tmp_path / "sheet.svg")
    assert [word for word in words if word in {tile.recording for tile in tiles}] == [f"C{i}" for i in range(6)]
    assert "· 3 not shown" in words


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"joints_mm": np.zeros((300, 17, 3))},
            r"joints_mm: expected shape \(300, 18, 3\), got \(300, 17, 3\)",
        ),
        ({"methods": ("pig",)}, r"methods: expected shape \(18,\), got \(1,\)"),
        ({"markers": 4, "marker_valid": np.ones((9, 4), dtype=bool)}, "marker_valid: expected shape"),
        ({"audio": SheetAudio(np.zeros((2, 9)), 8000.0, 0.0)}, "audio.samples"),
        ({"pitch": SheetPitch(np.zeros(3), np.zeros(4))}, "pitch.f0_hz"),
        ({"frames": 0}, "times_s: expected shape"),
    ],
    ids=["joints", "methods", "markers", "stereo", "pitch", "no frames"],
)
def test_another_shape_is_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make_sheet(**changes)


def test_a_long_trial_draws_in_three_seconds(tmp_path: Path) -> None:
    valid = np.random.default_rng(0).random((5000, 96)) > 0.02
    sound = SheetAudio(np.random.default_rng(0).normal(0, 0.1, 50 * 44100), 44100.0, 0.0)
    sheet = make_sheet(frames=5000, markers=96, marker_valid=valid, audio=sound)
    draw_take_sheet(sheet, tmp_path / "warm.png")
    start = time.process_time()
    draw_take_sheet(sheet, tmp_path / "sheet.png")
    assert time.process_time() - start < 3.0


def test_tile_shows_the_joint_where_the_picture_has_it() -> None:
    image = np.full((1080, 1920, 3), 40, dtype=np.uint8)
    truth = np.full((18, 2), np.nan)
    truth[0], truth[6] = (600.0, 300.0), (900.0, 800.0)
    image[298:303, 598:603] = 255
    box = crop_box(1920, 1080, truth, truth, aspect=0.7)
    plain = draw_tile(image, np.full((18, 2), np.nan), truth * np.nan, (455, 650))
    assert plain.shape == (650, 455, 3)
    tile = draw_tile(image, truth, np.full((18, 2), np.nan), (455, 650))
    zoom = 650 / box[3]
    x, y = (600.5 - box[0]) * zoom - 0.5, (300.5 - box[1]) * zoom - 0.5
    assert np.abs(tile[round(y), round(x)].astype(int) - (0, 0x72, 0xB2)).max() <= 6


def test_crop_holds_the_player_and_stays_in_the_picture() -> None:
    rng = np.random.default_rng(3)
    for _ in range(200):
        truth = rng.uniform((-100, -100), (1380, 820), (18, 2))
        x, y, width, height = crop_box(1280, 720, truth, truth, aspect=0.7)
        assert width / height == pytest.approx(0.7)
        inside = truth[((truth >= 0) & (truth <= (1279, 719))).all(axis=1)]
        if height < 720 and width < 1280:
            assert x >= 0
            assert y >= 0
            assert x + width <= 1280 + 1e-9
            assert y + height <= 720 + 1e-9
        assert (inside >= (x - 1e-9, y - 1e-9)).all()
        assert (inside <= (x + width, y + height)).all()


def test_median_distance_counts_joints_that_both_have() -> None:
    truth, detected = np.zeros((18, 2)), np.full((18, 2), np.nan)
    assert median_distance_px(truth, detected) is None
    detected[:3] = [(3, 4), (0, 1), (0, 100)]
    assert median_distance_px(truth, detected) == pytest.approx(5.0)


def test_wrapped_lines_fit_and_keep_every_letter() -> None:
    text = "The left hand of P05 hides behind theverylongwordthatfitsinnolineatallwhateveronetries the scroll."
    with viodat_style():
        lines = wrap(text, 1.2)
        assert all(text_width(line) <= 1.2 for line in lines)
        assert "".join(lines).replace(" ", "") == text.replace(" ", "")
        assert text_width(fit(text, 1.2)) <= 1.2
        assert wrap("", 1.0) == []
        assert fit("P05", 1.2) == "P05"
        assert text_width(fit("il" * 500_000, 1.2)) <= 1.2
