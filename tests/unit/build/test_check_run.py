"""A check that fails by its own fault costs no other check."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from tests.twins import write_small_capture
from viodat.build.checks import CHECKS, Level, check_capture, run
from viodat.build.checks.finding import Problem, TrialView


@pytest.fixture(scope="module")
def raw(tmp_path_factory):
    folder = tmp_path_factory.mktemp("run") / "raw"
    write_small_capture(folder, participants=1, trials=1, video=False)
    return folder


def _broken(view: TrialView) -> Iterator[Problem]:
    raise ZeroDivisionError("division by zero")
    yield


def test_a_broken_check_is_a_finding_that_names_it(raw, monkeypatch):
    before = check_capture(raw)
    broken = replace(CHECKS["marker-gaps"], id="trial-brief", find=_broken)
    others = [check for check in run.ON_TRIAL if check.id != "trial-brief"]
    monkeypatch.setattr(run, "ON_TRIAL", (broken, *others))
    after = check_capture(raw)
    (one,) = [finding for finding in after.findings if finding.check == "check-failed"]
    assert one.level is Level.WARNING
    assert (one.where, one.problem) == (
        "P04T01", "the check trial-brief could not finish: ZeroDivisionError: division by zero",
    )  # fmt: skip
    assert "report" in one.mend
    rest = [finding for finding in before.findings if finding.check != "trial-brief"]
    assert [finding for finding in after.findings if finding.check != "check-failed"] == rest


def test_a_comparison_of_devices_that_fails_is_a_finding(raw, monkeypatch):
    monkeypatch.setattr(run, "take_of", _broken_take)
    (one,) = [finding for finding in check_capture(raw).findings if finding.check == "check-failed"]
    assert "the comparison of its devices could not finish: MemoryError" in one.problem


def _broken_take(*_: object) -> None:
    raise MemoryError
