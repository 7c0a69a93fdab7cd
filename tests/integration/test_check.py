"""``viodat check``: each fault is found by its check, and names what the lab must look at."""

from pathlib import Path

import numpy as np
import pytest
import soundfile

from viodat.build.checks import Finding, check_capture
from viodat.errors import ConfigError


def _found(raw: Path, check: str) -> list[Finding]:
    return [finding for finding in check_capture(raw).findings if finding.check == check]


def _append(raw: Path, text: str) -> None:
    config = raw / "capture.toml"
    config.write_text(config.read_text() + "\n" + text)


def _keypoints_of_another_video(raw: Path) -> None:
    path = next(raw.rglob("P04C01T01.keypoints.npz"))
    with np.load(path) as data:
        content = dict(data)
    content["pts"] = content["pts"] + 10**9
    np.savez(path, **content)


def _clipped_microphone(raw: Path) -> None:
    rng = np.random.default_rng(0)
    soundfile.write(raw / "P04" / "P04M01T01.wav", np.clip(rng.normal(0, 2, 44100), -1, 1), 44100)


def _world_on_its_side(raw: Path) -> None:
    _append(raw, '[markers]\naxes = "yzx"\n')


def _misspelt_label(raw: Path) -> None:
    path = raw / "P04" / "P04T01.c3d"
    content = path.read_bytes()
    assert b"LELB" in content
    path.write_bytes(content.replace(b"LELB", b"LELX"))


def _clock_of_another_day(raw: Path) -> None:
    config = raw / "capture.toml"
    text = config.read_text()
    at = text.index("offset_s", text.index("P04C01T01"))
    end = text.index("\n", at)
    config.write_text(text[:at] + "offset_s = -330.0" + text[end:])


def _estimated(raw: Path) -> None:
    config = raw / "capture.toml"
    config.write_text(config.read_text().replace('method = "given"', 'method = "auto"'))


def _silent_microphone(raw: Path) -> None:
    soundfile.write(raw / "P04" / "P04M01T01.wav", np.zeros(44100), 44100)


FAULTS = {
    "truncated marker file": (
        lambda raw: _cut(raw / "P04" / "P04T01.c3d", 3000), "trial-unreadable", "P04T01", "P04T01.c3d"),
    "truncated video": (
        lambda raw: _cut(raw / "P04" / "P04C01T01.mp4", 4000), "recording-unreadable", "P04C01T01", "P04C01T01.mp4"),
    "keypoints of another video": (
        _keypoints_of_another_video, "recording-unreadable", "P04C01T01", "is a stamp of the video"),
    "damaged static trial": (
        lambda raw: _cut(raw / "P04" / "P04_static.c3d", 100), "optional-file-unreadable",
        "P04_static.c3d", "without it"),
    "damaged subject file": (
        lambda raw: (raw / "P04" / "P04.vsk").write_text("<Kinematic"), "optional-file-unreadable", "P04.vsk", "XML"),
    "missing static trial": (
        lambda raw: (raw / "P04" / "P04_static.c3d").unlink(), "missing-file", "P04", "static"),
    "missing video": (
        lambda raw: (raw / "P04" / "P04C01T02.mp4").unlink(), "missing-file", "P04C01T02", "neither video nor"),
    "misnamed file": (
        lambda raw: (raw / "P04" / "P04T01.c3d").rename(raw / "P04" / "P04-T01.c3d"), "trial-misnamed",
        "P04/P04-T01.c3d", ""),
    "damaged calibration": (
        lambda raw: next((raw / "calibration").iterdir()).write_text("[cam"), "calibration-unusable", "", ""),
    "label that no file has": (
        lambda raw: _append(raw, '[markers.labels]\nNOPE = "C77"\n'), "marker-file-note", "P04T01", "NOPE"),
    "clipped microphone": (_clipped_microphone, "sound-clipped", "P04M01T01", "clipped"),
    "muted microphone": (_silent_microphone, "sound-silent", "P04M01T01", "zero"),
    "world that is not Z up": (_world_on_its_side, "world-not-upright", "P04T01", "axes"),
    "misspelt label": (_misspelt_label, "label-misspelt", "P04T01", "LELB is missing, and the file has"),
    "clock of another day": (_clock_of_another_day, "clock-no-overlap", "P04C01T01", "do not overlap"),
    "microphone that stands nowhere": (
        lambda raw: (_clipped_microphone(raw), _estimated(raw)), "microphone-place", "M01", "where this microphone is"),
    "name that no device has": (
        lambda raw: _append(raw, "[microphones.M09]\nplace_mm = [0, 0, 900]\n"), "capture-conflict", "capture.toml",
        "[microphones] names M09, and there is no recording by that device"),
    "microphone without a clock": (_clipped_microphone, "clock-unknown", "P04M01T01", "offset"),
}  # fmt: skip


def _cut(path: Path, size: int) -> None:
    path.write_bytes(path.read_bytes()[:size])


@pytest.mark.parametrize(("spoil", "check", "where", "word"), FAULTS.values(), ids=FAULTS.keys())
def test_a_fault_is_found(raw_copy, spoil, check, where, word):
    assert not [finding for finding in _found(raw_copy, check) if where in finding.where and word in finding.problem]
    spoil(raw_copy)
    findings = [f for f in _found(raw_copy, check) if where in f.where and word in f.problem]
    assert findings
    assert findings[0].mend


def test_conflicting_measurements_are_told_with_both_numbers(raw_copy):
    table = raw_copy / "participants.csv"
    header, first, *rest = table.read_text().splitlines()
    cells = first.split(",")
    at = header.split(",").index("knee_width_left_mm")
    was, cells[at] = float(cells[at]), "140"
    table.write_text("\n".join([header, ",".join(cells), *rest]) + "\n")
    (finding,) = {
        f.problem for f in _found(raw_copy, "measurement-conflict") if cells[0] in f.where and "T01" in f.where
    }
    assert "140" in finding
    assert f"{was:g}" in finding


def test_a_known_finding_can_be_ignored_with_a_reason(raw_copy):
    (raw_copy / "P04" / "P04_static.c3d").unlink()
    _append(raw_copy, '[[check.ignore]]\ncheck = "missing-file"\nwhere = "P04*"\nreason = "the battery was empty"\n')
    report = check_capture(raw_copy)
    assert not [f for f in report.findings if f.check == "missing-file"]
    assert [(f.check, reason) for f, reason in report.ignored] == [("missing-file", "the battery was empty")]


def test_ignoring_a_check_that_does_not_exist_is_a_mistake(raw_copy):
    _append(raw_copy, '[[check.ignore]]\ncheck = "mising-file"\nreason = "typo"\n')
    with pytest.raises(ConfigError, match=r"'mising-file', which does not exist.*missing-file"):
        check_capture(raw_copy)
