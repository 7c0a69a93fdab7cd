"""The part of a trial's page on markers and joints: numbers with their units, the worst first, nothing hidden."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from tests.unit.report.test_index import HOSTILE, Page
from viodat.dataset.schema import STATUS_BUILT, STATUS_EXCLUDED
from viodat.joints import JOINTS
from viodat.report.evidence import (
    SHOWN_MARKERS,
    BoneLine,
    FaultLine,
    FunctionalLine,
    GateLine,
    MarkerEvidence,
    MarkerLine,
)
from viodat.report.html import page_path
from viodat.report.index import DatasetReport, JointLine, TrialReport, write_index

EVIDENCE = MarkerEvidence(
    gates=(
        GateLine("residual_mm", "distance of a marker from the skeleton", "1.2 mm", "at most 8 mm", True),
        GateLine("sigma_mm", "standard deviation", "31 mm", "at most 20 mm", False),
    ),
    faults=(FaultLine("LKNE, RKNE: exchanged", True), FaultLine("RWRA: leaves its path", False)),
    markers=(
        *(MarkerLine(f"M{k:02d}", "left_thigh", 0.0, residual_mm=0.5 + k / 100, outlying=0.0) for k in range(20)),
        MarkerLine("RWRA", "right_wrist", 0.25, 0.2, 1.5, 23.4, 0.123),
    ),
    missing_share=0.0123,
    filled_share=0.8,
    fitted=True,
    bones=(BoneLine("left_pelvis to left_knee", 404.5, 401.2, 2.53),),
    functional=(
        FunctionalLine("left_pelvis", "centre", 9.2, 4.5, 0.7854, 4500, True),
        FunctionalLine("left_ankle", "axis", 11.3, 1.1, 0.49, 4420, False, "the range of rotation is 28°"),
    ),
)


def page_of(out: Path, trial: TrialReport) -> str:
    write_index(out, DatasetReport("demo", (trial,)))
    path = page_path(out, trial.trial)
    Page(path)  # every tag is closed
    return path.read_text(encoding="utf-8")


@pytest.fixture
def trial() -> TrialReport:
    joints = tuple(JointLine(joint, "skeleton(midpoint:A+B)", 1.0, "", 2.61, 2.2, 14.2) for joint in JOINTS)
    return TrialReport("P05T28", "P05", "train", STATUS_BUILT, 51.2, joints, evidence=EVIDENCE)


def row(html: str, header: str) -> list[str]:
    """Cells of the row that begins with this header, without tags."""
    found = re.search(rf'<tr><th scope="row">{re.escape(header)}</th>(.*?)</tr>', html)
    assert found is not None, header
    return [re.sub(r"<.*?>", "", cell) for cell in re.findall(r"<td.*?>(.*?)</td>", found[1])]


def test_every_number_stands_on_the_page(tmp_path, trial):
    html = page_of(tmp_path, trial)
    assert row(html, "left hip") == ["skeleton(midpoint:A+B)", "100 %", "2.6", "2.2", "14.2", ""]
    assert row(html, "RWRA") == ["right wrist", "25.0 %", "20.0 %", "1.5", "23.4", "", "12.3 %"]
    assert row(html, "left hip to left knee") == ["404.5", "401.2", "2.5"]
    assert row(html, "left ankle")[-1] == ""
    assert "1.2 % of all samples are missing, and gap filling gives back 80.0 % of these" in html
    assert row(html.split('id="functional"')[1], "left hip") == ["centre", "45.0°", "9.2", "4.5", "4,500", "yes"]
    assert row(html.split('id="functional"')[1], "left ankle")[-1] == "no: the range of rotation is 28°"


def test_a_gate_that_is_not_kept_stands_out(tmp_path, trial):
    html = page_of(tmp_path, trial)
    assert row(html, "residual_mm")[1:] == ["1.2 mm", "at most 8 mm"]
    assert row(html, "sigma_mm")[1:] == ["31 mm, not kept", "at most 20 mm"]
    assert '<span class="bad">31 mm, not kept</span>' in html
    assert html.count("Not repaired.") == 1


def test_the_worst_markers_come_first_and_the_rest_opens_on_a_click(tmp_path, trial):
    html = page_of(tmp_path, trial)
    names = re.findall(r'<th scope="row">(M\d\d|RWRA)</th>', html)
    assert names == ["RWRA", *(f"M{k:02d}" for k in reversed(range(20)))]
    before, after = html.split("<details>")
    assert len(re.findall(r'<th scope="row">(M\d\d|RWRA)</th>', before)) == SHOWN_MARKERS
    assert f"The other {21 - SHOWN_MARKERS} markers" in after
    # The longest bar is the whole width, and no bar is longer.
    widths = [float(width) for width in re.findall(r'class="bar" style="width: ([\d.]+)%"', html)]
    assert widths[0] == 100
    assert widths == sorted(widths, reverse=True)


def test_without_a_fit_there_are_no_residuals(tmp_path, trial):
    markers = (MarkerLine("LASI", "", 0.1), MarkerLine("RASI", "", 0.4, 0.1, 0.7))
    evidence = MarkerEvidence(markers=markers, missing_share=0.25)
    html = page_of(tmp_path, replace(trial, evidence=evidence))
    assert "residual, mm" not in html
    assert row(html, "RASI") == ["–", "40.0 %", "10.0 %", "0.70"]
    assert html.index("RASI") < html.index("LASI")
    assert "They were not tested." in html
    assert "No fault was found." in page_of(tmp_path, replace(trial, evidence=replace(evidence, tested=True)))
    for heading in ("gates", "bones", "functional"):
        assert f'id="{heading}"' not in html


def test_a_trial_that_is_left_out_shows_the_number_that_decided(tmp_path, trial):
    html = page_of(tmp_path, replace(trial, status=STATUS_EXCLUDED, joints=(), evidence=EVIDENCE))
    assert "31 mm, not kept" in html
    assert "This trial was left out" in html


def test_foreign_names_are_text_here_too(tmp_path, trial):
    evidence = MarkerEvidence(
        gates=(GateLine(HOSTILE, HOSTILE, HOSTILE, HOSTILE, False),),
        faults=(FaultLine(HOSTILE, False),),
        markers=(MarkerLine(HOSTILE, HOSTILE, 0.5),),
        bones=(BoneLine(HOSTILE, 1.0, 1.0, 1.0),),
        functional=(FunctionalLine(HOSTILE, HOSTILE, 1.0, 1.0, 1.0, 1, False, HOSTILE),),
    )
    html = page_of(tmp_path, replace(trial, evidence=evidence))
    assert "<script" not in html
    assert html.count("&lt;script&gt;") >= 9
