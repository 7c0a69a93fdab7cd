"""The page about the clocks of a whole capture."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.unit.report.clocks.samples import (
    clock_line,
    clock_page,
    draw_nothing,
    drawn_page,
    trial_clocks,
    trial_views,
    write_all,
)
from tests.unit.report.test_index import HOSTILE, Page
from viodat.dataset.schema import STATUS_UNCERTAIN
from viodat.report.clocks.capture_page import problems_of
from viodat.report.clocks.from_estimate import evidence_lines
from viodat.report.clocks.values import CaptureClocks, DevicePool, TrialClockPage
from viodat.report.html import clocks_path, page_path

NAN = float("nan")


@pytest.fixture
def quick(monkeypatch):
    draw_nothing(monkeypatch)


def capture_of(*trials: TrialClockPage, **changes) -> CaptureClocks:
    pools = (DevicePool("C01", 41.0, 4.0, -0.0195, 0.002),)
    return CaptureClocks(**{"name": "lab", "trials": trials, "how": "auto", "pools": pools, **changes})


def test_what_needs_a_look_is_sorted_by_badness():
    trials = (
        clock_page("P05T01", clock_line("C01")),
        clock_page("P05T02", clock_line("C01", reason="pose2d: no file", picture_sigma_s=0.02)),
        clock_page("P05T03", clock_line("C01", contradictions=("its picture would put it +400 ms away",))),
        clock_page("P05T04", clock_line("C01", offset_s=NAN, confidence=0.8, reason="nothing convinces")),
        clock_page("P05T05", clock_line("C01", offset_s=NAN, confidence=0.1, reason="nothing convinces")),
        clock_page(
            "P05T06", clock_line("C01", reason="clock_sigma_ms is 90 ms", picture_sigma_s=0.09, status=STATUS_UNCERTAIN)
        ),
        clock_page("P05T07", clock_line("C01"), contradictions=("C01 and C02 do not fit",)),
    )
    found = problems_of(capture_of(*trials))
    assert [one.trial for one in found] == ["P05T05", "P05T04", "P05T07", "P05T03", "P05T06", "P05T02"]
    assert [one.what for one in found] == [
        "no answer",
        "no answer",
        "contradictory",
        "contradictory",
        "uncertain",
        "left out",
    ]
    assert found[2].recordings == ""
    assert found[3].reason == "Its picture would put it +400 ms away."
    assert found[4].reason == "clock_sigma_ms is 90 ms."


def test_recordings_with_the_same_reason_share_a_line():
    lost = {"offset_s": NAN, "reason": "nothing says when"}
    trial = clock_page("P05T01", clock_line("C01", **lost), clock_line("C02", **lost), clock_line("C07", offset_s=NAN))
    found = problems_of(capture_of(trial))
    assert sorted(one.recordings for one in found) == ["P05C01T28, P05C02T28", "P05C07T28"]


def test_what_was_not_read_was_not_asked(tmp_path, quick):
    unread = clock_line("C02", offset_s=NAN, confidence=NAN, status="excluded", reason="P05C02T28.m4a: is cut short")
    page = Page(write_all(tmp_path, capture_of(clock_page("P05T28", clock_line("C01"), unread))))
    assert fact_of(page, "without an answer") == "0"
    assert fact_of(page, "not read, so not asked") == "1"
    rows = {row[1]: row for row in page.rows if len(row) > 1}
    assert rows["P05C02T28"][2] == "not read"
    assert "no answer" not in [cell for row in page.rows for cell in row]


def test_a_drift_that_the_trials_hardly_tell_is_as_usual(tmp_path, quick):
    pools = (DevicePool("C01"), DevicePool("C02", 12.0, 4.0))
    trial = clock_page("P05T28", clock_line("C01"), clock_line("C02"), clock_line("M01", skew_s=NAN))
    rows = {row[0]: row for row in Page(write_all(tmp_path, capture_of(trial, pools=pools))).rows}
    assert rows["C01"][5:7] == ["as usual", "as usual"]
    assert rows["C02"][5] == "+12.0 ± 4.0 ppm"
    assert rows["M01"][6] == "–"


def test_nothing_is_a_problem_where_nothing_was_asked():
    lost = clock_page("P05T01", clock_line("C01", offset_s=NAN), how="none")
    assert problems_of(capture_of(lost, how="none")) == ()


def test_the_captures_page_tells_devices_recordings_and_words(tmp_path, quick):
    trials = (
        clock_page("P05T28", clock_line("C01"), clock_line("C02")),
        clock_page("P05T29", clock_line("C01", offset_s=NAN, reason="nothing says when"), clock_line("M01")),
    )
    written = write_all(tmp_path, capture_of(*trials))
    assert written == clocks_path(tmp_path)
    page = Page(written)
    for words in (
        "+41.0 ± 4.0 ppm",
        "−19.5 ± 2.0 ms",
        "Nothing says when.",
        "no answer",
        "1.4 / 3",
        "What the words mean",
        "16.7 ms",
    ):
        assert words in page.text, words
    assert page.tags.count("table") == page.tags.count("caption") == 3
    assert page.tags.count("h1") == 1
    assert page.images_without_alt == 0
    assert page.tags.count("img") == 2
    page.check_links()
    assert "sync.html" in Page(tmp_path / "reports" / "index.html").targets


def fact_of(page: Page, words: str) -> str:
    """The number that stands with words at the top."""
    return next(value for name, value in page.facts if name == words)


def test_what_is_left_out_as_uncertain_is_what_the_gate_left_out(tmp_path, quick):
    """Each recording has its own limit; a phone's sound may be as vague as it likes."""
    fast = {"limit_s": 1 / 120, "sigma_s": 0.0014}
    trials = (
        clock_page(
            "P05T28",
            clock_line("C01", **fast, picture_sigma_s=0.009, status=STATUS_UNCERTAIN, reason="9 ms is too much"),
            clock_line("C02", picture_sigma_s=0.009),
            clock_line("C07", sigma_s=0.020, picture_sigma_s=0.003),
            clock_line("M01", sigma_s=0.018, picture_sigma_s=NAN, status=STATUS_UNCERTAIN, reason="18 ms is too much"),
        ),
    )
    page = Page(write_all(tmp_path, capture_of(*trials)))
    assert fact_of(page, "uncertain, so not trained on") == "2"
    assert page.text.count("8.33 to 16.7 ms") == 2
    rows = {row[1]: row for row in page.rows if len(row) > 1}
    assert rows["P05C01T28"][4:6] == ["9 ms", "8.33 ms"]
    assert rows["P05M01T28"][4:6] == ["18 ms", "16.7 ms"]
    devices = {row[0]: row for row in page.rows}
    assert [devices[name][4] for name in ("C01", "C02", "C07", "M01")] == ["1", "0", "0", "1"]
    assert [devices[name][-1] for name in ("C01", "C02")] == ["8.33 ms", "16.7 ms"]


def test_without_limits_none_is_told_of(tmp_path, quick):
    page = Page(write_all(tmp_path, capture_of(clock_page("P05T28", clock_line(limit_s=NAN)))))
    assert "uncertain" not in page.text.lower()
    assert "limit" not in page.text


def test_long_lists_are_folded(tmp_path, quick):
    trials = tuple(clock_page(f"P05T{k:03d}", clock_line(offset_s=NAN, reason=f"reason {k}")) for k in range(50))
    page = Page(write_all(tmp_path, capture_of(*trials)))
    assert "The other 10 lines" in page.text
    assert page.text.count("Reason 49.") == 1


@pytest.mark.parametrize(
    ("how", "words"),
    [("given", "The clocks were given"), ("none", "No clocks were looked for")],
)
def test_clocks_that_were_given_or_left_alone_are_said_to_be(tmp_path, how, words, quick):
    line = clock_line(given=True, confidence=NAN, drift_ppm=NAN, skew_s=NAN)
    trial = drawn_page(tmp_path, how=how, clocks=(line,), evidence=(), views=replace(trial_views(4.0), wrists=()))
    assert [figure.title for figure in trial.figures] == (["Bow and sound"] if how == "given" else [])
    page = Page(write_all(tmp_path, capture_of(trial, how=how)))
    assert words in page.text
    assert "img" not in page.tags
    assert ("devices" in page.ids) == (how == "given")
    told = Page(page_path(tmp_path, "P05T28"))
    assert words in told.text
    assert ("+1.2500 s" in told.text) == (how == "given")


def test_an_empty_capture_has_a_page(tmp_path, quick):
    page = Page(write_all(tmp_path, capture_of(pools=())))
    assert "There are no recordings." in page.text
    alone = clock_page("P05T28")
    assert (
        "This trial has no recordings."
        in Page(page_path(tmp_path, write_all(tmp_path, capture_of(alone)) and "P05T28")).text
    )


def test_hostile_names_are_text(tmp_path, quick):
    names = dict.fromkeys(("recording", "status", "reason", "rests_on"), HOSTILE)
    hostile = clock_line(HOSTILE, **names, contradictions=(HOSTILE,))
    clocks = trial_clocks()
    trial = drawn_page(
        tmp_path, HOSTILE, participant=HOSTILE, clocks=(hostile,), contradictions=(HOSTILE,),
        evidence=(replace(evidence_lines(clocks)[0], title=HOSTILE, of=HOSTILE, notes=(HOSTILE,)),),
    )  # fmt: skip
    write_all(tmp_path, capture_of(trial, name=HOSTILE))
    for path in (clocks_path(tmp_path), page_path(tmp_path, HOSTILE)):
        page = Page(path)
        html = path.read_text(encoding="utf-8")
        assert "script" not in page.tags
        assert "<script>" in page.text
        assert "\x07" not in html
        for elsewhere in ("http:", "https:", "url(", "@import", "<link", "javascript:"):
            assert elsewhere not in html, elsewhere
