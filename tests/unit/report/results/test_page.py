"""The page of results: its structure, what is missing, hostile names, and that it needs nothing else."""

from __future__ import annotations

import copy
import math
import re
from xml.etree import ElementTree

import numpy as np
import pytest

from tests.unit.report.results.samples import METRICS, sample_results
from tests.unit.report.test_index import HOSTILE, Page
from viodat.report.results import results_markdown, results_page, write_results

SVG = re.compile(r"<svg viewBox.*?\n</svg>(?=\n<figcaption)", re.DOTALL)
ELSEWHERE = ("http:", "https:", "url(", "@import", "<link", "javascript:", "<script", "src=", "<img", "<iframe")


@pytest.fixture(scope="module")
def results():
    return sample_results(7, 3, seconds=10.0)


@pytest.fixture
def page_of(tmp_path):
    return lambda results: Page(write_results(results, tmp_path / "out"))


def table_of(page: Page, first: str) -> list[str]:
    return next(row for row in page.rows if row and row[0].startswith(first))


def test_the_page_says_what_stands_at_the_top(results, page_of):
    assert "viopose has the lowest MPJPE, " in page_of(results).text
    text = page_of(results).text
    best, floor = (
        next(row["overall"]["mpjpe"] for row in results["rows"] if row["label"] == one) for one in ("viopose", "tcn")
    )
    apart = f"{floor - best:.2f} mm ({100 * (floor - best) / floor:.1f} %)"
    assert f"{best:.2f} mm: {apart} less than the best floor, tcn, on 3 participants." in text


def test_rows_are_sorted_and_the_best_is_bold(results, page_of):
    page = page_of(results)
    labels = [row[0] for row in page.rows if len(row) == len(METRICS) + 6]
    order = sorted(results["rows"], key=lambda row: row["overall"]["mpjpe"])
    shown = [label for label in labels[1:] if not label.startswith("published")]
    assert [
        label.removesuffix("floor, recipe paper").removesuffix("recipe paper").removesuffix("floor") for label in shown
    ] == [row["label"] for row in order]
    assert f"<b>{order[0]['overall']['mpjpe']:.2f}</b>" in results_page(results)
    # Of the metric that is better higher, the highest.
    assert f"<b>{max(row['overall']['pck'] for row in order):.2f}</b>" in results_page(results)
    low, high = order[0]["interval"]["mpjpe"]
    assert table_of(page, "viopose")[1] == f"{order[0]['overall']['mpjpe']:.2f}[{low:.2f}, {high:.2f}]"


def test_the_page_has_every_part(results, page_of):
    page = page_of(results)
    assert page.tags.count("h1") == 1
    assert page.tags.count("table") == page.tags.count("caption")
    assert {
        "results",
        "protocols",
        "comparisons",
        "figures",
        "run",
        "joints",
        "participants",
        "time",
        "recordings",
    } <= page.ids
    assert {"wrist", "vibrato", "curves"} <= page.ids
    page.check_links()
    for words in (
        "published elsewhere", "39.60", "Exploratory", "no tie: the sign flips in",
        "they claim nothing about other people",
        "over the recordings of these 3 participants", "NVIDIA H200", "mixste-0-3f3f3f3f", "3f" * 32, "8.25 M",
        "1 h 15 min", "Of 7 models the best 6 are drawn.", "Which joints are hard?", "Had training ended?",
        results["protocol"]["sentence"], results["notes"][0],
    ):  # fmt: skip
        assert words in page.text, words
    assert "Not drawn" not in page.text


def test_one_to_sixteen_models_and_many_participants(page_of):
    for models, people in ((1, 3), (16, 12)):
        page = page_of(sample_results(models, people, seconds=8.0))
        assert "joints" in page.ids
        assert ("comparisons" in page.ids) == (models > 1)
        assert ("curves2" in page.ids) == (models == 16)
    assert "The other 105 pairs" in page.text
    assert "bootstrap intervals of the mean over the 12 participants" in page.text


def test_every_drawing_is_well_formed(results):
    drawn = SVG.findall(results_page(results))
    assert len(drawn) == 6
    for text in drawn:
        root = ElementTree.fromstring(text)
        assert root.get("aria-label")
        assert "nan" not in re.sub(r">[^<]*<", "><", text).lower()


def test_nothing_comes_from_elsewhere(results):
    html = results_page(results)
    for words in ELSEWHERE:
        assert words not in html, words


def test_hostile_names_are_text(tmp_path):
    names = {"viopose": HOSTILE, "P05C01T28": f"{HOSTILE}C01", "P13": HOSTILE, "left_wrist": HOSTILE}

    def hostile(value):
        if isinstance(value, dict):
            return {names.get(key, key): hostile(one) for key, one in value.items()}
        if isinstance(value, list):
            return [hostile(one) for one in value]
        free = isinstance(value, str) and value not in (
            "lower",
            "higher",
            "participants",
            "recordings",
            *(m for m, *_ in METRICS),
        )
        return HOSTILE if free and len(value) > 40 else names.get(value, value) if isinstance(value, str) else value

    results = hostile(sample_results(5, 3, seconds=6.0))
    results["title"] = results["dataset"]["name"] = results["rows"][0]["note"] = results["rows"][0]["runs"][0] = HOSTILE
    results["figures"]["wrist"]["joint"] = results["metrics"][1]["title"] = HOSTILE
    page = Page(write_results(results, tmp_path))
    assert "script" not in page.tags
    assert "<script>" in page.text
    for text in SVG.findall((tmp_path / "index.html").read_text("utf-8")):
        ElementTree.fromstring(text)
    markdown = (tmp_path / "results.md").read_text("utf-8")
    assert "\\<script\\>" in markdown
    assert not re.search(r"(?<!\\)<script", markdown)
    assert "\x07" not in markdown + (tmp_path / "index.html").read_text("utf-8")


def test_the_same_results_give_the_same_bytes(results, tmp_path):
    again = copy.deepcopy(results)
    assert results_page(results) == results_page(again)
    for folder, one in (("a", results), ("b", again)):
        write_results(one, tmp_path / folder)
    for name in ("index.html", "results.md", "results.json"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()
    assert results == again


def without(results, **changes):
    return {**copy.deepcopy(results), **changes}


def test_without_figures_the_page_says_why(results, page_of):
    bare = without(results, figures={"over_time": [], "wrist": None, "vibrato": None})
    for row in bare["rows"]:
        row["curves"], row["joints"], row["groups"], row["participants"] = [], {}, {}, {}
    page = page_of(bare)
    assert {"joints", "time", "wrist", "vibrato", "curves", "participants"}.isdisjoint(page.ids)
    assert page.text.count("was given") + page.text.count("were given") >= 5
    assert "no model has learning curves" in page.text


@pytest.mark.parametrize(
    "key", ["comparisons", "protocols", "figures", "notes", "rows", "metrics", "dataset", "protocol"]
)
def test_a_part_that_is_missing_breaks_nothing(results, page_of, key):
    for empty in ({}, None):
        changed = without(results)
        changed[key] = empty
        page = page_of(changed)
        assert page.tags.count("h1") == 1
        page.check_links()
    del changed[key]
    page_of(changed)
    assert results_markdown(changed).startswith("# ")


def test_no_row_and_no_value(results, page_of):
    assert "No model was scored." in page_of(without(results, rows=[])).text
    assert "No model has an MPJPE" in page_of(without(results, rows=[])).text
    assert results_page({"title": "nothing"})


def numberless(value, empty):
    if isinstance(value, dict):
        return {key: numberless(one, empty) for key, one in value.items()}
    if isinstance(value, list):
        return [numberless(one, empty) for one in value]
    return empty if isinstance(value, float) else value


@pytest.mark.parametrize("empty", [None, math.nan, math.inf])
def test_numbers_that_are_missing_are_dashes(results, page_of, empty):
    page = page_of(numberless(results, empty))
    assert "No model has an MPJPE on 3 participants." in page.text
    assert table_of(page, "viopose")[1:4] == ["–", "–", "–"]
    assert not re.search(r"\b(nan|inf|None)\b", page.text)
    assert not re.search(r"\b(nan|inf|None)\b", results_markdown(numberless(results, empty)))


def test_one_value_that_is_missing(results, page_of):
    changed = without(results)
    row = changed["rows"][1]
    row["overall"]["mpjpe"] = None
    row["interval"]["p_mpjpe"] = None
    row["seed_sd"] = {}
    row["joints"]["left_wrist"] = math.nan
    row["parameters"] = None
    page = page_of(changed)
    shown = [one[0] for one in page.rows if len(one) == len(METRICS) + 6 and not one[0].startswith("published")]
    assert shown[-1].startswith("viopose")
    assert "mixste has the lowest MPJPE" in page.text


def test_one_participant(page_of):
    page = page_of(sample_results(4, 1, seconds=6.0))
    assert "participants" not in page.ids
    assert "fewer than two participants" in page.text
    assert "over the recordings of this one participant" in page.text


def test_a_floor_at_the_top_is_said(results, page_of):
    changed = without(results)
    next(row for row in changed["rows"] if row["label"] == "tcn")["overall"]["mpjpe"] = 1.0
    assert "No model beats the floors: tcn has an MPJPE of 1.00 mm" in page_of(changed).text
    floors = without(results, rows=[row for row in results["rows"] if row["floor"]])
    assert "Only floors were run" in page_of(floors).text


def test_a_tie_by_the_truths_error_is_said_at_the_top(results, page_of):
    changed = without(results)
    for pair in changed["comparisons"]:
        if {pair["first"], pair["second"]} == {"viopose", "tcn"} and pair["truth"]:
            pair["truth"] = {"flips": 0.2, "tie": True, "interval": None, "unstated": 0.25}
    page = page_of(changed)
    assert "so they count as tied" in page.text
    assert "tie: the sign flips in 20.0 % of the draws, 25.0 % of the truth without sigma" in page.text


def test_without_intervals_none_are_claimed(results, page_of):
    page = page_of(without(results, interval_of=None))
    assert "No intervals are given" in page.text
    assert "In brackets" not in page.text


def test_more_metrics_than_columns_stand_in_a_second_table(results, page_of):
    changed = without(results)
    changed["metrics"] += [
        {"name": f"more{k}", "title": f"More {k}", "unit": "mm", "direction": "lower", "reference": ""}
        for k in range(3)
    ]
    page = page_of(changed)
    assert "Further metrics" in page.text
    assert page.tags.count("table") == page_of(results).tags.count("table") + 1


def test_arrays_are_as_good_as_lists(results):
    changed = without(results)
    told = changed["figures"]["wrist"]
    told["time_s"], told["truth"] = np.array(told["time_s"]), np.array(told["truth"])
    told["rows"] = {label: np.array(path) for label, path in told["rows"].items()}
    changed["rows"][0]["overall"] = {key: np.float64(value) for key, value in changed["rows"][0]["overall"].items()}
    assert results_page(changed) == results_page(results)


def test_courses_of_other_lengths_and_gaps(results):
    changed = without(results)
    told = changed["figures"]
    told["wrist"]["rows"]["viopose"] = told["wrist"]["rows"]["viopose"][:7]
    told["wrist"]["rows"]["mixste"] = []
    told["vibrato"]["rows"]["tcn"] = [None] * 4
    told["over_time"][0]["time_s"][3] = None
    told["over_time"][1]["rows"] = {"viopose": [None] * len(told["over_time"][1]["time_s"]), "unheard of": [1.0]}
    drawn = SVG.findall(results_page(changed))
    assert drawn
    assert all(ElementTree.fromstring(text).tag.endswith("svg") for text in drawn)


@pytest.mark.parametrize(
    ("folds", "words"), [("participant", "folds share training data"), ("camera", "a diagnostic of the viewpoint")]
)
def test_how_it_was_divided_is_said(results, page_of, folds, words):
    assert words in page_of(without(results, folds=folds)).text
