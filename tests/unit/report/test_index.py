"""The report's pages: links lead to files, hostile names are text, nothing comes from elsewhere."""

from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote

import pytest

from viodat.dataset.schema import STATUS_BUILT, STATUS_EXCLUDED
from viodat.joints import JOINTS
from viodat.report.html import page_path, sheet_paths
from viodat.report.index import DatasetReport, ExclusionLine, JointLine, TrialReport, write_index
from viodat.report.take_sheet import SheetRecording

HOSTILE = "<script>alert('x')</script>&\"é小\x07"
NAMES = ("P05T28", HOSTILE, "../../etc/passwd", "été 3 %41#?", ".hidden", "a\\b", "x" * 300)


class Page(HTMLParser):
    """Links, images, tags and text of one page."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.path = path
        self.tags: list[str] = []
        self.targets: list[str] = []
        self.images_without_alt = 0
        self.ids: set[str] = set()
        self.text = ""
        self.open: list[str] = []
        self.rows: list[list[str]] = []
        self.facts: list[tuple[str, str]] = []
        self.feed(path.read_text(encoding="utf-8"))
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        if tag == "tr":
            self.rows.append([])
        elif tag in ("td", "th"):
            self.rows[-1].append("")
        elif tag == "dt":
            self.facts.append(("", ""))
        if tag not in ("meta", "img", "link", "br"):
            self.open.append(tag)
        values = dict(attrs)
        self.targets += [str(values[key]) for key in ("href", "src") if key in values]
        self.ids |= {str(values["id"])} if "id" in values else set()
        self.images_without_alt += tag == "img" and not values.get("alt")

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data
        if "td" in self.open or "th" in self.open:
            self.rows[-1][-1] += data
        elif "dt" in self.open or "dd" in self.open:
            name, value = self.facts.pop()
            self.facts.append((name + data, value) if "dt" in self.open else (name, value + data))

    def check_links(self) -> None:
        for target in self.targets:
            if target.startswith("#"):
                assert target[1:] in self.ids
            else:
                assert (self.path.parent / unquote(target.split("#")[0])).is_file(), target


def make_report(out: Path, names: tuple[str, ...] = NAMES) -> DatasetReport:
    trials = []
    for name in names:
        png, svg = sheet_paths(out, name)
        for path in (png, svg):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(b"drawn")
        trials.append(
            TrialReport(
                trial=name,
                participant=HOSTILE,
                split="train",
                status=STATUS_BUILT,
                seconds=51.2,
                joints=tuple(JointLine(joint, HOSTILE, 0.5, HOSTILE) for joint in JOINTS),
                recordings=(SheetRecording(HOSTILE, HOSTILE, -0.25, 0.8, HOSTILE),),
                notes=(HOSTILE,),
                sheet_png=png,
                sheet_svg=svg,
                provenance=HOSTILE,
            )
        )
    return DatasetReport(
        name=HOSTILE,
        trials=tuple(trials),
        exclusions=(
            ExclusionLine(HOSTILE, "", "gates", HOSTILE, 0.61, 0.9),
            ExclusionLine("T", "R", "s", "r"),
        ),
        missing=(HOSTILE,),
        versions={HOSTILE: HOSTILE},
        open_with="import viodat\nds = viodat.open_dataset('out/')  # a < b",
    )


def test_every_link_leads_to_a_file_inside_the_dataset(tmp_path: Path) -> None:
    out = tmp_path / "out"
    index = write_index(out, make_report(out))
    assert index == out / "reports" / "index.html"
    pages = {path: Page(path) for path in out.rglob("*.html")}
    assert len(pages) == 1 + len(NAMES)
    for path, page in pages.items():
        for target in page.targets:
            if target.startswith("#"):
                assert target[1:] in page.ids
                continue
            assert "://" not in target
            resolved = (path.parent / unquote(target.split("#")[0])).resolve()
            assert resolved.is_file(), target
            assert resolved.is_relative_to(out.resolve())
    linked = {(index.parent / unquote(target)).resolve() for target in pages[index].targets}
    assert {page_path(out, name).resolve() for name in NAMES} <= linked
    assert {path.resolve() for path in out.rglob("*.png")} <= linked


def test_hostile_names_are_text(tmp_path: Path) -> None:
    index = write_index(tmp_path, make_report(tmp_path))
    for path in (index, page_path(tmp_path, "P05T28")):
        page = Page(path)
        assert "script" not in page.tags
        assert "<script>alert('x')</script>&\"é小\ufffd" in page.text
        assert "\x07" not in path.read_text(encoding="utf-8")


def test_pages_are_accessible_and_need_nothing_from_elsewhere(tmp_path: Path) -> None:
    write_index(tmp_path, make_report(tmp_path))
    for path in tmp_path.rglob("*.html"):
        page = Page(path)
        html = path.read_text(encoding="utf-8")
        assert page.images_without_alt == 0
        assert page.tags.count("h1") == 1
        assert page.tags.count("table") == page.tags.count("caption")
        assert '<html lang="en">' in html
        assert "prefers-color-scheme: dark" in html
        for elsewhere in ("http:", "https:", "url(", "@import", "<link", "javascript:"):
            assert elsewhere not in html, elsewhere


def test_numbers_are_on_the_page(tmp_path: Path) -> None:
    index = Page(write_index(tmp_path, make_report(tmp_path)))
    assert "0.61" in index.text
    assert "0.9" in index.text
    assert "5 min 58 s" in index.text
    trial = Page(page_path(tmp_path, "P05T28"))
    assert "−0.2500 s" in trial.text
    assert "± 0.8 ms" in trial.text
    assert trial.text.count("50.0 %") == len(JOINTS)
    assert "left hip" in trial.text


def test_links_are_percent_encoded(tmp_path: Path) -> None:
    png = tmp_path / "other pictures" / "50%41 #1?.png"
    png.parent.mkdir()
    png.write_bytes(b"drawn")
    index = write_index(tmp_path, DatasetReport("one", (TrialReport("T", "P", "", STATUS_BUILT, 1.0, sheet_png=png),)))
    assert "../other%20pictures/50%2541%20%231%3F.png" in Page(index).targets


def test_a_trial_that_was_left_out_is_shown_as_such_and_not_counted(tmp_path: Path) -> None:
    left_out = TrialReport("P05T30", "P06", "test", STATUS_EXCLUDED, float("nan"), notes=("no markers",))
    report = make_report(tmp_path, ("P05T28",))
    report = replace(report, trials=(*report.trials, left_out), exclusions=(ExclusionLine("P05T30", "", "read", "r"),))
    index = Page(write_index(tmp_path, report))
    facts = dict(re.findall(r"(trials built|trials left out|performance time|participants)\s*(\S+)", index.text))
    assert facts == {"trials built": "1", "trials left out": "1", "performance time": "51.2", "participants": "1"}
    page = Page(page_path(tmp_path, "P05T30"))
    assert "This trial was left out of the dataset." in page.text
    assert "../index.html#exclusions" in page.targets


def test_an_empty_dataset_and_a_trial_without_a_sheet_have_pages(tmp_path: Path) -> None:
    empty = Page(write_index(tmp_path / "a", DatasetReport("nothing", ())))
    assert "No trial was built." in empty.text
    assert "Nothing was left out." in empty.text
    report = DatasetReport("one", (TrialReport("P05T28", "P05", "", STATUS_BUILT, 1.0),))
    index = Page(write_index(tmp_path / "b", report))
    assert "no take sheet" in index.text
    assert "img" not in index.tags
    assert "There is no take sheet" in Page(page_path(tmp_path / "b", "P05T28")).text


def test_same_report_gives_same_bytes(tmp_path: Path) -> None:
    for folder in ("a", "b"):
        write_index(tmp_path / folder, make_report(tmp_path / folder))
    for path in (tmp_path / "a").rglob("*.html"):
        assert path.read_bytes() == (tmp_path / "b" / path.relative_to(tmp_path / "a")).read_bytes()


def test_two_trials_of_one_name_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="more than one of P05T28"):
        write_index(tmp_path, make_report(tmp_path, ("P05T28", "P05T28")))
