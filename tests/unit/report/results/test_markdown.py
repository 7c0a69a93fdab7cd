"""The results as Markdown, and the three files together."""

from __future__ import annotations

import json

import pytest

from tests.unit.report.results.samples import sample_results
from viodat.report.results import results_markdown, write_results


@pytest.fixture(scope="module")
def results():
    return sample_results(5, 3, seconds=6.0)


def test_tables_have_as_many_cells_in_every_row(results):
    blocks = [block for block in results_markdown(results).split("\n\n") if block.startswith("|")]
    assert len(blocks) >= 8
    for block in blocks:
        assert len({line.count("|") - line.count("\\|") for line in block.splitlines()}) == 1, block


def test_pipes_and_signs_are_escaped(results):
    changed = json.loads(json.dumps(results))
    changed["rows"][0]["label"] = "a|b*c_d _e_ `f` <g> [h]"
    text = results_markdown(changed)
    assert "a\\|b\\*c_d \\_e\\_ \\`f\\` \\<g\\> \\[h\\]" in text


def test_the_best_is_bold_and_the_published_stand_apart(results):
    text = results_markdown(results)
    best = min(row["overall"]["mpjpe"] for row in results["rows"])
    assert f"**{best:.2f} \\[" in text
    assert "on another test set" in text
    assert "| viopose | 39.60 | – | – | – | 6.39 | – |" in text


def test_the_files(results, tmp_path):
    changed = {**results, "extra": float("nan")}
    page = write_results(changed, tmp_path / "new" / "folder")
    assert page == tmp_path / "new" / "folder" / "index.html"
    assert sorted(path.name for path in page.parent.iterdir()) == ["index.html", "results.json", "results.md"]
    told = json.loads((page.parent / "results.json").read_text("utf-8"))
    assert told.pop("extra") is None
    assert told == json.loads(json.dumps(results))
