"""Which code a result depends on: what a module imports, whether by a line or by a name as text."""

import re
from pathlib import Path

import pytest

import viodat
from viodat.build import finish, joined, keypoints, prepare, recording, report, solving, sound, standing, trial, writing
from viodat.build.cache import sources
from viodat.build.cache.sources import code_digest, library_version

ROOT = Path(viodat.__file__).parent


def reached(module):
    seen, waiting = set(), [module]
    while waiting:
        name = waiting.pop()
        path = sources._source(name)
        if name not in seen and path is not None:
            seen.add(name)
            waiting += sources._reached(name, path, path.read_text())
    return seen


@pytest.mark.parametrize("stage", [*prepare.FIRST_PASS, *finish.SECOND_PASS], ids=lambda stage: stage.name)
def test_every_stage_names_a_module_and_libraries_that_exist(stage):
    assert all(sources._source(module) is not None for module in stage.modules)
    missing = [name for name in stage.libraries if library_version(name) == "absent"]
    assert set(missing) <= {"mediapipe", "c3d"}


@pytest.mark.parametrize(
    ("module", "expected"),
    [
        ("viodat.build.joined", {"viodat.body.skeleton.fit", "viodat.capture.c3d_decode"}),
        ("viodat.build.trial", {"viodat.clock.evidence.clap"}),
        ("viodat.pose2d", {"viodat.pose2d.mediapipe", "viodat.pose2d.openpose"}),
        ("viodat.audio", {"viodat.audio.description"}),
        ("viodat.build.recording", {"viodat.capture.video", "viodat.capture.audio"}),
        ("viodat.build.report", {"viodat.report.take_sheet"}),
    ],
)
def test_what_runs_is_reached(module, expected):
    assert expected <= reached(module)


def test_what_a_stage_does_not_use_does_not_make_it_stale():
    assert not any(
        name.startswith(("viodat.report", "viodat.dataset", "viodat.cli")) for name in reached("viodat.pose2d")
    )
    assert not any(name.startswith("viodat.clock") for name in reached("viodat.audio"))
    later = ("viodat.clock", "viodat.audio", "viodat.report", "viodat.pose2d")
    assert [name for name in reached("viodat.build.joined") if name.startswith(later)] == []
    assert [name for name in reached("viodat.build.trial") if name.startswith("viodat.report")] == []


def test_every_import_within_a_function_counts_too(tmp_path, monkeypatch):
    package = tmp_path / "viodat"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "one.py").write_text("def f():\n    from viodat.two import (\n        g,\n    )\n    return g\n")
    (package / "two.py").write_text("import viodat.three\n")
    (package / "three.py").write_text("X = 1\n")
    monkeypatch.setattr(sources, "_ROOT", package)
    assert reached("viodat.one") == {"viodat.one", "viodat.two", "viodat.three"}
    before = code_digest.__wrapped__("viodat.one")
    (package / "three.py").write_text("X = 2\n")
    assert code_digest.__wrapped__("viodat.one") != before


def test_no_module_imports_in_a_way_that_is_not_seen():
    odd = [
        path.relative_to(ROOT)
        for path in ROOT.rglob("*.py")
        if re.search(r"^\s*from \.|^\s*import viodat\.\S+ as|__import__\(", path.read_text(), re.MULTILINE)
    ]
    assert odd == []


@pytest.mark.parametrize(
    ("stage", "workers"),
    [
        (prepare.JOINTS, [joined.join_markers]),
        (prepare.READ, [recording.read_files, sound.write_sound]),
        (prepare.KEYPOINTS, [keypoints.detect_keypoints]),
        (prepare.FEATURES, [sound.describe_sounds]),
        (prepare.EVIDENCE, [trial.gather_evidence, trial.with_recordings, recording.join_recording]),
        (prepare.DRIFT, [solving.drift_of]),
        (finish.CLOCKS, [solving.estimate]),
        (finish.CAMERAS, [standing.find_standing]),
        (finish.WRITE, [finish._written, finish._Settled, writing.write_trial]),
        (finish.DRAW, [report.draw_trial]),
    ],
    ids=lambda value: getattr(value, "name", ""),
)
def test_what_does_the_work_of_a_stage_counts(stage, workers):
    found = set().union(*(reached(module) for module in stage.modules))
    assert {worker.__module__ for worker in workers} <= found
