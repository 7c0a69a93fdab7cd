"""``viodat check`` on real recordings: nothing there is an error, no camera there was moved."""

from __future__ import annotations

from pathlib import Path

import pytest

from viodat.build.checks import Level, check_capture

CONFIGS = Path(__file__).parent


@pytest.mark.parametrize("capture", ["gait_lab", "multiview", "pycgm"])
def test_no_real_capture_has_an_error(real_data: Path, capture: str) -> None:
    report = check_capture(real_data / capture, CONFIGS / f"{capture}.toml")
    assert not report.having(Level.ERROR)
    named = {finding.check for finding in report.findings}
    assert not named & {"check-failed", "camera-mismatch", "calibration-trial-foreign", "marker-leaps", "frames-frozen"}
