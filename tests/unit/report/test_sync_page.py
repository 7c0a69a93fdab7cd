"""The pages about clocks: the section of a trial, and the page over the capture."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from urllib.parse import unquote

import pytest

from tests.unit.report.syncs import clock_line, clock_page, draw_nothing, trial_clocks, trial_views
from tests.unit.report.test_index import HOSTILE, Page
from viodat.dataset.schema import STATUS_BUILT
from viodat.report.index import DatasetReport, TrialReport, page_path, write_index
from viodat.report.sync_of_clocks import evidence_lines, evidence_rows
from viodat.report.sync_page import figure_path, problems_of, sync_path, trial_clock_page, write_sync
from viodat.report.sync_values import CaptureClocks, DevicePool, TrialClockPage

NAN = float("nan")
EVIDENCE = evidence_rows(trial_clocks(), (1.0, 5.0))[:1]


def write_all(out: Path, capture: CaptureClocks) -> Path:
    """Write the index, the trials' pages and that of the clocks."""
    sync = write_sync(out, capture, svg=False)
    trials = tuple(TrialReport(page.trial, "P05", "train", STATUS_BUILT, 12.0, clocks=page) for page in capture.trials)
    write_index(out, DatasetReport("lab", trials, sync=sync))
    return sync


def check_links(page: Page) -> None:
    for target in page.targets:
        if target.startswith("#"):
            assert target[1:] in page.ids
        else:
            assert (page.path.parent / unquote(target.split("#")[0])).is_file(), target


@pytest.fixture
def quick(monkeypatch):
    draw_nothing(monkeypatch)


def drawn_page(out: Path, trial: str = "P05T28", **changes) -> TrialClockPage:
    clocks = trial_clocks()
    values = {
        "how": "auto",
        "participant": "P05",
        "clocks": (clock_line("C01"), clock_line("C02"), clock_line("C03", offset_s=NAN, reason="nothing says when")),
        "evidence": evidence_lines(clocks),
        "views": replace(
            trial_views(4.0, ("C01", "C02", "C03")), evidence=EVIDENCE,
            wrists=trial_views(4.0).wrists[:1],
        ),
        **changes,
    }  # fmt: skip
    return trial_clock_page(out, trial, svg=False, **values)


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
    check_links(told)


def test_the_same_views_give_the_same_bytes(tmp_path):
    for folder in ("a", "b"):
        views = replace(trial_views(4.0), devices=("C01", "C02", "C03"), evidence=EVIDENCE, playing=None, wrists=())
        page = drawn_page(tmp_path / folder, views=views)
        assert page.figures[0].size_px[0] == 1840
    one = figure_path(tmp_path / "a", "P05T28", "evidence")
    assert one.read_bytes() == figure_path(tmp_path / "b", "P05T28", "evidence").read_bytes()


def test_what_is_not_drawn_is_said(tmp_path):
    page = drawn_page(tmp_path, views=replace(trial_views(4.0), playing=None, wrists=()))
    assert page.figures == ()
    assert len(page.missing) == 3


def capture_of(*trials: TrialClockPage, **changes) -> CaptureClocks:
    pools = (DevicePool("C01", 41.0, 4.0, -0.0195, 0.002),)
    return CaptureClocks(
        **{"name": "lab", "trials": trials, "how": "auto", "pools": pools, "limit_s": 1 / 60, **changes}
    )


def test_what_needs_a_look_is_sorted_by_badness():
    trials = (
        clock_page("P05T01", clock_line("C01")),
        clock_page("P05T02", clock_line("C01", reason="its sigma is 20 ms", sigma_s=0.02, status="uncertain")),
        clock_page("P05T03", clock_line("C01", contradictions=("its picture would put it +400 ms away",))),
        clock_page("P05T04", clock_line("C01", offset_s=NAN, confidence=0.8, reason="nothing convinces")),
        clock_page("P05T05", clock_line("C01", offset_s=NAN, confidence=0.1, reason="nothing convinces")),
        clock_page("P05T06", clock_line("C01", reason="its sigma is 90 ms", sigma_s=0.09, status="uncertain")),
        clock_page("P05T07", clock_line("C01"), contradictions=("C01 and C02 do not fit",)),
    )
    found = problems_of(capture_of(*trials))
    assert [one.trial for one in found] == ["P05T05", "P05T04", "P05T07", "P05T03", "P05T06", "P05T02"]
    assert [one.what for one in found] == [
        "no answer",
        "no answer",
        "contradictory",
        "contradictory",
        "left out",
        "left out",
    ]
    assert found[2].recordings == ""
    assert found[3].reason == "Its picture would put it +400 ms away."


def test_recordings_with_the_same_reason_share_a_line():
    lost = {"offset_s": NAN, "reason": "nothing says when"}
    trial = clock_page("P05T01", clock_line("C01", **lost), clock_line("C02", **lost), clock_line("C07", offset_s=NAN))
    found = problems_of(capture_of(trial))
    assert sorted(one.recordings for one in found) == ["P05C01T28, P05C02T28", "P05C07T28"]


def test_nothing_is_a_problem_where_nothing_was_asked():
    lost = clock_page("P05T01", clock_line("C01", offset_s=NAN), how="none")
    assert problems_of(capture_of(lost, how="none")) == ()


def test_the_captures_page_tells_devices_recordings_and_words(tmp_path, quick):
    trials = (
        clock_page("P05T28", clock_line("C01"), clock_line("C02")),
        clock_page("P05T29", clock_line("C01", offset_s=NAN, reason="nothing says when"), clock_line("M01")),
    )
    sync = write_all(tmp_path, capture_of(*trials))
    assert sync == sync_path(tmp_path)
    page = Page(sync)
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
    check_links(page)
    assert "sync.html" in Page(tmp_path / "reports" / "index.html").targets


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
    for path in (sync_path(tmp_path), page_path(tmp_path, HOSTILE)):
        page = Page(path)
        html = path.read_text(encoding="utf-8")
        assert "script" not in page.tags
        assert "<script>" in page.text
        assert "\x07" not in html
        for elsewhere in ("http:", "https:", "url(", "@import", "<link", "javascript:"):
            assert elsewhere not in html, elsewhere
