"""``viodat check`` on a capture with every mistake that the simulated lab can make: each is found where it was made."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import pytest

from viodat.build.checks import CheckReport, Level, check_capture
from viodat.synth import TwinOptions, write_twin
from viodat.synth.options import FAULTS

CAMERAS: Final = ("C01", "C02", "C07")

FOUND_BY: Final[Mapping[str, tuple[str, tuple[str, ...]]]] = {
    "wrong_units": ("body-size", ("",)),
    "missing_camera": ("missing-file", ("",)),
    "swapped_cameras": ("camera-swapped", ("C01", "C02")),
    "truncated_c3d": ("trial-unreadable", ("",)),
    "truncated_video": ("recording-unreadable", ("C07",)),
    "swapped_sides": ("swapped-sides", ("",)),
    "clipped_microphone": ("sound-clipped", ("C07",)),
    "stereo_microphone": ("sound-channels", ("C07",)),
    "sixty_fps": ("video-rate", ("C01",)),
    "knocked_phone": ("camera-moved", ("C02",)),
    "short_video": ("sound-picture-length", ("C01",)),
    "missing_static": ("missing-file", ("",)),
    "duplicated_trial": ("file-copied", ("",)),
    "silent_microphone": ("sound-even", ("C07",)),
    "metronome": ("sound-clicks", ("M01",)),
    "wrong_sound": ("sound-foreign", ("C07",)),
    "wrong_trial": ("recording-foreign", ("",)),
    "stopped_phone": ("recording-incomplete", ("C07",)),
    "wrong_rate": ("sound-rate", ("M01",)),
    "long_recording": ("recording-long", ("C01",)),
}
"""Fault -> the check that is about it, and the devices at which it must be found; of a trial as a whole, none."""


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    raw = tmp_path_factory.mktemp("planted") / "raw"
    options = TwinOptions(
        participants=2, trials=10, seconds=10.0, seed=14, cameras=len(CAMERAS), microphones=1, video=False,
        rom_seconds=0.0, faults=FAULTS, long_s=70.0,
    )  # fmt: skip
    write_twin(raw, options)
    return raw


@pytest.fixture(scope="module")
def report(planted: Path) -> CheckReport:
    return check_capture(planted)


@pytest.fixture(scope="module")
def made(planted: Path) -> dict[str, list[str]]:
    """Faults by the trial or participant that they were made in."""
    return json.loads((planted / "truth" / "twin.json").read_text())["faults"]


def _at(trial: str, device: str) -> str:
    return trial[:3] + device + trial[3:]


def test_the_table_knows_every_fault():
    assert set(FOUND_BY) == set(FAULTS)


@pytest.mark.parametrize("fault", FAULTS)
def test_every_planted_fault_is_found_where_it_was_made(report, made, fault):
    (trial,) = [where for where, faults in made.items() if fault in faults]
    check, devices = FOUND_BY[fault]
    places = [finding.where for finding in report.findings if finding.check == check]
    for device in devices:
        where = _at(trial, device) if device else trial
        assert any(where in place.split(", ") for place in places), places


def test_nothing_else_is_called_an_error(report, made):
    touched = set(made) | {_at(trial, device) for trial in made for device in (*CAMERAS, "M01")}
    for finding in report.having(Level.ERROR):
        assert set(finding.where.split(", ")) & touched, finding


def test_no_check_failed(report):
    assert not [finding for finding in report.findings if finding.check == "check-failed"]


@pytest.mark.parametrize(
    "check", ["camera-swapped", "camera-moved", "sound-foreign", "sound-rate", "recording-foreign", "body-size",
              "swapped-sides", "trial-unreadable", "sound-even", "sound-channels", "video-rate", "trial-copied"]
)  # fmt: skip
def test_a_check_finds_its_own_fault_and_no_other(report, made, check):
    own = {where for where, faults in made.items() for fault in faults if FOUND_BY[fault][0] == check}
    for finding in report.findings:
        if finding.check == check:
            trial = finding.where if len(finding.where) == 6 else finding.where[:3] + finding.where[6:]
            assert trial in own, finding
