"""The section about clocks of a trial's page."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.unit.report.clocks.samples import draw_nothing, drawn_page, trial_clocks, trial_views, write_all
from tests.unit.report.test_index import Page
from viodat.report.clocks.from_estimate import evidence_rows
from viodat.report.clocks.trial_section import figure_path
from viodat.report.clocks.values import CaptureClocks
from viodat.report.html import page_path


@pytest.fixture
def quick(monkeypatch):
    draw_nothing(monkeypatch)


def test_a_trials_page_has_its_clocks_its_evidence_and_its_figures(tmp_path, quick):
    page = drawn_page(tmp_path, contradictions=("C01 sound and C02 sound fit each other +80 ms from the others",))
    assert [figure.title for figure in page.figures] == ["Evidence", "Bow and sound", "Wrist of the bow arm"]
    write_all(tmp_path, CaptureClocks("lab", (page,), "auto"))
    told = Page(page_path(tmp_path, "P05T28"))
    for words in ("+1.2500 s", "+40.0 ± 5.0 ppm", "−20.0 ± 2.0 ms", "1.4 ms", ">99.9 %", "nothing says when", "+80 ms"):
        assert words in told.text, words
    assert told.text.count("Playing") == 3
    assert "clocks" in told.ids
    assert told.images_without_alt == 0
    told.check_links()


def test_the_same_views_give_the_same_bytes(tmp_path):
    rows = evidence_rows(trial_clocks(), (1.0, 5.0))[:1]
    for folder in ("a", "b"):
        views = replace(
            trial_views(4.0),
            devices=("C01", "C02", "C03"),
            evidence=rows,
            playing=None,
            wrists=(),
        )
        page = drawn_page(tmp_path / folder, views=views)
        assert page.figures[0].size_px[0] == 1840
    one = figure_path(tmp_path / "a", "P05T28", "evidence")
    assert one.read_bytes() == figure_path(tmp_path / "b", "P05T28", "evidence").read_bytes()


def test_how_late_dips_are_by_a_right_clock_is_said(tmp_path, quick):
    views = trial_views()
    known = tuple(replace(level, decay_s=0.03) for level in views.playing.levels)
    for levels, words in (
        (known, "between their turns and some 8"),
        (views.playing.levels, "a note speaks 10 to 50 ms after the bow"),
    ):
        page = drawn_page(tmp_path, views=replace(views, playing=replace(views.playing, levels=levels)))
        (caption,) = [figure.caption for figure in page.figures if figure.title == "Bow and sound"]
        assert words in caption


def test_what_is_not_drawn_is_said(tmp_path):
    page = drawn_page(tmp_path, views=replace(trial_views(4.0), playing=None, wrists=()))
    assert page.figures == ()
    assert len(page.missing) == 3
