"""Checks across trials: another rate, another size, one take under two names."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.unit.build.check_views import problems
from viodat.build.checks.finding import RecordingSummary, SessionView, TrialSummary
from viodat.capture.raw import RawTrial


def session(tmp_path: Path, trials: list[TrialSummary] | None = None, **odd: Any) -> SessionView:
    """Four trials, of which the last may be odd; the marker files all differ."""
    usual: dict[str, Any] = {"frames_hz": 30.0, "sound_hz": 44_100.0, "size_px": (1280, 720)}
    recordings = tuple(
        RecordingSummary(f"P05C01T0{k}", "C01", **(usual if k < 4 else {**usual, **odd})) for k in range(1, 5)
    )
    own = trials or [TrialSummary(f"P05T0{k}", 100.0, str(k)) for k in range(1, 5)]
    files = []
    for trial in own:
        path = tmp_path / f"{trial.id}.c3d"
        path.write_bytes(trial.id.encode())
        files.append(RawTrial(trial.id, "P05", path))
    raw: Any = SimpleNamespace(layout=SimpleNamespace(trials=tuple(files)))
    return SessionView(raw, tuple(own), recordings)


@pytest.mark.parametrize(
    ("check", "odd", "word"),
    [
        ("video-rate", {"frames_hz": 60.0}, "60.0 pictures per second, its 3 other recordings at 30.0"),
        ("sound-setting", {"sound_hz": 48_000.0}, "48000 Hz, its 3 other recordings at 44100 Hz"),
        ("video-mode", {"size_px": (1920, 1080)}, "1920 x 1080 px, in 3 other recordings 1280 x 720 px"),
    ],
)
def test_a_device_in_another_mode_is_told(tmp_path, check, odd, word):
    (one,) = problems(check, session(tmp_path, **odd))
    assert one.where == "P05C01T04"
    assert word in one.problem
    assert not problems(check, session(tmp_path))


def test_a_phones_own_unsteadiness_is_no_other_mode(tmp_path):
    assert not problems("video-rate", session(tmp_path, frames_hz=29.2))


def test_a_device_without_pictures_or_sound_is_not_compared(tmp_path):
    silent = session(tmp_path, frames_hz=None, sound_hz=None, size_px=None)
    for check in ("video-rate", "sound-setting", "video-mode"):
        assert not problems(check, silent)


def test_markers_at_another_rate_are_told(tmp_path):
    trials = [TrialSummary(f"P05T0{k}", 200.0 if k == 3 else 100.0, str(k)) for k in range(1, 5)]
    (one,) = problems("marker-rate", session(tmp_path, trials))
    assert (one.where, one.value, one.limit) == ("P05T03", 200.0, 100.0)


def test_a_take_that_was_exported_twice_is_told(tmp_path):
    trials = [TrialSummary(f"P05T0{k}", 100.0, "same" if k in (2, 4) else str(k)) for k in range(1, 5)]
    (one,) = problems("trial-copied", session(tmp_path, trials))
    assert one.where == "P05T02, P05T04"
    assert not problems("trial-copied", session(tmp_path, [TrialSummary(f"P05T0{k}", 100.0, "") for k in (1, 2)]))


def test_a_copy_to_the_byte_is_told_by_another_check(tmp_path):
    view = session(tmp_path, [TrialSummary(f"P05T0{k}", 100.0, "same") for k in (1, 2)])
    for trial in view.raw.layout.trials:
        trial.marker_file.write_bytes(b"same")
    assert not problems("trial-copied", view)
