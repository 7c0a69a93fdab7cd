"""Numbers of the pages about clocks: digits by sigma, and no certainty that is none."""

from __future__ import annotations

import math

import pytest

from viodat.clock import evidence_names
from viodat.report.clocks.wording import (
    EVIDENCE_TITLES,
    evidence_title,
    listed,
    milliseconds,
    milliseconds_between,
    probability,
    with_sigma,
)


@pytest.mark.parametrize(
    ("value", "sigma", "written"),
    [
        (-19.8954, 2.316, "−19.9 ± 2.3 ms"),
        (59.2, 41.0, "+59 ± 41 ms"),
        (0.12345, 0.0123, "+0.123 ± 0.012 ms"),
        (-0.001, 0.5, "+0.00 ± 0.50 ms"),
        (-81250.0, 3.0, "−81250.0 ± 3.0 ms"),
        (0.5, math.nan, "+0.5 ms"),
        (math.nan, 1.0, "–"),
    ],
)
def test_a_value_has_the_digits_that_its_sigma_deserves(value, sigma, written):
    assert with_sigma(value, sigma, "ms") == written


def test_times_are_written_in_ms_and_beyond_a_second_in_s():
    assert milliseconds(0.0013945) == "1.39 ms"
    assert milliseconds(-3.2, sign=True) == "−3.2 s"
    assert milliseconds(0.25, sign=True) == "+250 ms"
    assert milliseconds(math.nan) == "–"


def test_times_that_are_hardly_apart_are_written_as_one():
    assert milliseconds_between([1 / 60, 1 / 120]) == "8.33 to 16.7 ms"
    assert milliseconds_between([0.01667, 0.01676, 0.01668]) == "about 16.7 ms"
    assert milliseconds_between([1 / 60]) == "16.7 ms"


def test_an_answer_that_is_all_but_sure_is_not_written_as_certain():
    assert probability(1.0) == ">99.9 %"
    assert probability(0.9512) == "95.1 %"
    assert probability(0.0) == "0 %"
    assert probability(math.nan) == "–"


def test_lists_are_counted_where_they_are_long():
    assert listed([]) == ""
    assert listed(["C01"]) == "C01"
    assert listed(["C01", "C02", "C07"]) == "C01, C02 and C07"
    assert listed(["a", "b", "c", "d"], most=2) == "a, b and 2 more"


def test_all_evidence_of_the_registry_has_a_title():
    titled = {method for method, _, _ in EVIDENCE_TITLES}
    assert set(evidence_names()) - {"claims"} <= titled


def test_evidence_of_others_keeps_its_name():
    assert evidence_title("footsteps", "picture", False) == ("footsteps", "picture against each other")
    assert evidence_title("capture.toml", "sound", True)[0] == "Stated in capture.toml"
