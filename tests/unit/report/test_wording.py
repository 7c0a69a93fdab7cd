"""Names and numbers as the report writes them: rounding never hides, names never break a line or a path."""

from __future__ import annotations

import doctest
import unicodedata

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from viodat.report import sheet_tables, wording

ANY_TEXT = st.text(st.characters(codec=None, categories=None), max_size=300)


def test_examples_in_the_docstrings_hold() -> None:
    for module in (wording, sheet_tables):
        result = doctest.testmod(module)
        assert result.attempted > 0
        assert result.failed == 0


@given(st.integers(0, 10_000), st.integers(1, 10_000))
def test_percent_says_all_and_none_only_when_true(part: int, whole: int) -> None:
    part = min(part, whole)
    text = wording.percent(part / whole)
    assert (text == "100 %") == (part == whole)
    assert (text == "0 %") == (part == 0)


@given(ANY_TEXT)
def test_printable_is_one_line_without_controls(text: str) -> None:
    shown = wording.printable(text, 80)
    assert len(shown) <= 80
    assert not {unicodedata.category(c) for c in shown} & {"Cc", "Cs"}
    shown.encode("utf-8")


@given(ANY_TEXT)
def test_file_stem_is_one_path_segment(text: str) -> None:
    stem = wording.file_stem(text)
    assert stem
    assert stem not in (".", "..")
    assert not set(stem) & set('/\\:*?"<>|#%\x00')
    assert len(stem.encode("utf-8")) <= 200


@given(ANY_TEXT, ANY_TEXT)
def test_different_trials_have_different_files(a: str, b: str) -> None:
    assert (wording.file_stem(a) == wording.file_stem(b)) == (a == b)


@pytest.mark.parametrize(
    ("shown", "expected"),
    [
        (wording.offset(None), "–"),
        (wording.offset(float("nan")), "–"),
        (wording.offset(-0.00001), "+0.0000 s"),
        (wording.offset(-1.5), "−1.5000 s"),
        (wording.sigma(None), "–"),
        (wording.sigma(0.8), "± 0.8 ms"),
        (wording.number(None), "–"),
        (wording.number(1234.5), "1,234.5"),
        (wording.number("10 mm"), "10 mm"),
        (wording.count(1, "trial"), "1 trial"),
        (wording.count(1200, "frame"), "1,200 frames"),
        (wording.duration(float("nan")), "–"),
        (wording.duration(0.01), "0.01 s"),
        (wording.duration(3599.7), "1 h 00 min"),
        (wording.joint_name("left_pelvis"), "left hip"),
    ],
)
def test_numbers(shown: str, expected: str) -> None:
    assert shown == expected


def test_valid_fractions_count_whole_joints() -> None:
    joints_mm = np.zeros((4, 18, 3))
    joints_mm[0, 5, 1] = np.nan
    fractions = wording.valid_fractions(joints_mm)
    assert fractions[5] == 0.75
    assert fractions[4] == 1.0
    assert np.isnan(wording.valid_fractions(np.zeros((0, 18, 3)))).all()
