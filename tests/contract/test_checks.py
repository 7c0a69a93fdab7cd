"""Every check of the registry says what a lab needs to hear, and stays silent on a good capture."""

import re
from pathlib import Path

import pytest

from tests.twins import write_small_capture
from viodat.build.checks import CHECKS, Level, check_capture


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Path:
    raw = tmp_path_factory.mktemp("good") / "raw"
    write_small_capture(raw, trials=1, video=False)
    return raw


@pytest.mark.parametrize("check", CHECKS.values(), ids=CHECKS.keys())
def test_a_check_explains_itself(check):
    assert re.fullmatch(r"[a-z]+(-[a-z]+)+", check.id)
    assert check.level in Level
    for sentence in (check.why, check.mend):
        assert sentence[0].isupper()
        assert sentence.endswith(".")


def test_a_good_capture_has_no_error_and_no_false_warning(good):
    report = check_capture(good)
    assert not report.having(Level.ERROR)
    # Markers that the violin hides, and callipers that differ from the markers, are part of every capture.
    assert {finding.check for finding in report.having(Level.WARNING)} <= {"marker-gaps", "joint-assumption"}
    assert report.to_json()["understood"]
