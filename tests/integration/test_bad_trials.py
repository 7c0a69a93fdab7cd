"""Bad marker data through a whole build: a clear result or a clear refusal for each, with the number behind it."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Collection
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import viodat
from tests.twins import spoil_markers
from viodat.body import get_marker_set
from viodat.build import BuildOptions, BuildResult, build_dataset
from viodat.build.checks import check_capture
from viodat.capture import MarkerTrial
from viodat.errors import DatasetError
from viodat.joints import JOINT_INDEX
from viodat.synth import TwinOptions, write_twin

SET = get_marker_set("viodat-96")
LEGS = [JOINT_INDEX[f"{side}_{joint}"] for side in ("left", "right") for joint in ("pelvis", "knee", "ankle")]


@pytest.fixture(scope="module")
def one_player(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two takes of one player with a static and a range-of-motion trial, no pictures; read only."""
    raw = tmp_path_factory.mktemp("bad") / "raw"
    options = TwinOptions(participants=1, trials=2, seconds=3.0, seed=3, cameras=1, video=False, rom_seconds=30.0)
    write_twin(raw, replace(options, given_clocks=True))
    return raw


@pytest.fixture
def raw(one_player: Path, tmp_path: Path) -> Path:
    """A copy without the range-of-motion trial, to spoil: its first take is to be spoilt, the second stays good."""
    shutil.copytree(one_player, tmp_path / "raw")
    (tmp_path / "raw" / "P04" / "P04_rom.c3d").unlink()
    return tmp_path / "raw"


def scaled(factor: float) -> Callable[[MarkerTrial], MarkerTrial]:
    return lambda trial: replace(trial, positions_mm=trial.positions_mm * factor)


def hidden(labels: Collection[str]) -> Callable[[MarkerTrial], MarkerTrial]:
    def hide(trial: MarkerTrial) -> MarkerTrial:
        gone = np.array([label in labels for label in trial.labels])
        return replace(trial, positions_mm=np.where(gone[None, :, None], np.nan, trial.positions_mm))

    return hide


def first_frames(count: int) -> Callable[[MarkerTrial], MarkerTrial]:
    return lambda trial: replace(trial, positions_mm=trial.positions_mm[:count], residuals=trial.residuals[:count])


def shuffled(trial: MarkerTrial) -> MarkerTrial:
    order = np.random.default_rng(0).permutation(len(trial.labels))
    return replace(trial, labels=tuple(trial.labels[k] for k in order))


def mirrored(trial: MarkerTrial) -> MarkerTrial:
    def other(label: str) -> str:
        name = {"L": "R", "R": "L"}.get(label[0], label[0]) + label[1:]
        return name if name in trial.labels else label

    return replace(trial, labels=tuple(other(label) for label in trial.labels))


def build(raw: Path, **options: object) -> tuple[BuildResult, Path]:
    out = raw.parent / "out"
    return build_dataset(raw, out, options=BuildOptions(trials=("P04T01", "P04T02"), **options)), out


def append(raw: Path, text: str) -> None:
    config = raw / "capture.toml"
    config.write_text(config.read_text() + "\n" + text)


def page(out: Path) -> str:
    return (out / "reports" / "trials" / "P04T01.html").read_text()


REJECTED = {
    "metres declared as mm": (scaled(1e-3), "least_size_mm", "the file says mm, but the numbers are metres"),
    "centimetres declared as mm": (scaled(0.1), "least_size_mm", "the numbers are centimetres"),
    "all labels shuffled": (shuffled, "segment_spread_mm", "are not on one segment of a body"),
    "most markers missing": (
        hidden([label for k, label in enumerate(SET.labels) if k % 10 < 7]), "gap_share", "but must be at most 50%"),
    "all hips occluded": (
        hidden(SET.of_segment("pelvis")), "segment_gap_share", "pelvis: its markers are missing in 100%"),
    "one frame": (first_frames(1), "frames", "must be at least 2"),
}  # fmt: skip


@pytest.mark.parametrize(("change", "gate", "words"), REJECTED.values(), ids=REJECTED.keys())
def test_a_trial_that_is_broken_is_left_out_with_its_number(raw, change, gate, words):
    spoil_markers(raw / "P04" / "P04T01.c3d", change)
    result, out = build(raw)
    assert result.trials == 1
    (row,) = result.exclusions
    assert (row["trial"], row["recording"], row["stage"]) == ("P04T01", None, "gates")
    assert row["reason"].startswith(f"{gate} is ")
    assert words in row["reason"]
    assert row["value"] is not None
    assert row["limit"] is not None
    ds = viodat.open_dataset(out)
    kept = ds.exclusions.iloc[0]
    assert (kept["value"], kept["limit"]) == pytest.approx((row["value"], row["limit"]))
    with pytest.raises(DatasetError, match=f"trial P04T01 is excluded: {gate} is"):
        ds.motion("P04T01")
    assert f'<th scope="row">{gate}</th>' in page(out)
    assert "not kept" in page(out)


def test_a_static_trial_of_somebody_else_is_refused(raw, tmp_path):
    """By the fit itself where the two differ much, else by the samples that do not fit."""
    write_twin(
        tmp_path / "other",
        TwinOptions(participants=1, trials=1, seconds=3.0, seed=11, cameras=1, video=False, rom_seconds=0.0),
    )
    shutil.copy(tmp_path / "other" / "P04" / "P04_static.c3d", raw / "P04" / "P04_static.c3d")
    with pytest.raises(DatasetError, match=r"outlying_share is \d+%|are not of one person"):
        build(raw)


def test_a_limit_of_capture_toml_lets_a_trial_without_hips_in(raw):
    spoil_markers(raw / "P04" / "P04T01.c3d", hidden(SET.of_segment("pelvis")))
    append(raw, "[gates]\nsegment_gap_share = 1.0\n")
    result, out = build(raw)
    assert result.exclusions == ()
    motion = viodat.open_dataset(out).motion("P04T01")
    assert not motion.valid[:, LEGS].any()
    assert motion.valid[:, [i for i in range(18) if i not in LEGS]].mean() > 0.95


def test_no_static_trial_is_built_less_certain(raw):
    with_static, out = build(raw)
    sure = np.nanmedian(viodat.open_dataset(out).motion("P04T01").sigma_mm)
    (raw / "P04" / "P04_static.c3d").unlink()
    result, out = build(raw)
    assert result.exclusions == with_static.exclusions == ()
    ds = viodat.open_dataset(out)
    motion = ds.motion("P04T01")
    assert motion.valid.mean() > 0.95
    assert np.nanmedian(motion.sigma_mm) > 1.5 * sure
    assert any("no static trial" in note for note in ds.trials["notes"].iloc[0])


@pytest.mark.parametrize(("segment", "left"), [("left_forearm", "LFRM"), ("left_shank", "LANK")])
def test_a_segment_with_one_marker_left_is_built(raw, segment, left):
    spoil_markers(raw / "P04" / "P04T01.c3d", hidden(set(SET.of_segment(segment)) - {left}))
    result, out = build(raw)
    assert result.exclusions == ()
    ds = viodat.open_dataset(out)
    spoilt = ds.motion("P04T01")
    assert spoilt.valid.mean() > 0.95
    assert np.isfinite(spoilt.sigma_mm[spoilt.valid]).all()


def test_one_marker_left_on_the_pelvis_leaves_hips_and_legs_null_and_says_so(raw):
    spoil_markers(raw / "P04" / "P04T01.c3d", hidden(set(SET.of_segment("pelvis")) - {"LASI"}))
    result, out = build(raw)
    assert result.exclusions == ()
    ds = viodat.open_dataset(out)
    assert not ds.motion("P04T01").valid[:, LEGS].any()
    methods = ds.trials.set_index("trial").loc["P04T01", "joint_methods"]
    assert all(methods[i].startswith("none: ") for i in LEGS)


def test_three_frames_are_built(raw):
    spoil_markers(raw / "P04" / "P04T01.c3d", first_frames(3))
    result, out = build(raw)
    assert result.exclusions == ()
    motion = viodat.open_dataset(out).motion("P04T01")
    assert motion.joints_mm.shape == (3, 18, 3)
    assert motion.valid.all()
    assert np.isfinite(motion.sigma_mm).sum() >= 3 * 16


def test_exchanged_sides_are_put_right_and_told(raw, one_player):
    build(raw)
    straight = viodat.open_dataset(raw.parent / "out").motion("P04T01").joints_mm
    spoil_markers(raw / "P04" / "P04T01.c3d", mirrored)
    result, out = build(raw)
    assert result.exclusions == ()
    np.testing.assert_allclose(viodat.open_dataset(out).motion("P04T01").joints_mm, straight, atol=0.5)
    (note,) = [note for note in result.notes if "left and right are exchanged" in note]
    assert note.startswith("P04T01: ")
    assert note.endswith("repaired")


def test_a_static_trial_in_metres_is_not_used_and_told(raw):
    spoil_markers(raw / "P04" / "P04_static.c3d", scaled(1e-3))
    result, _ = build(raw)
    assert result.exclusions == ()
    told = [note for note in result.notes if "the static trial is not used" in note]
    assert len(told) == 2
    assert "the numbers are metres" in told[0]


def test_a_damaged_range_of_motion_trial_costs_itself_only(raw):
    (raw / "P04" / "P04_rom.c3d").write_bytes(b"not a C3D")
    result, out = build(raw)
    assert result.exclusions == ()
    notes = viodat.open_dataset(out).trials["notes"].iloc[0]
    assert any(note.startswith("P04_rom.c3d is not used") for note in notes)


def test_functional_centres_need_their_trial_and_are_told_with_their_numbers(one_player, tmp_path, raw):
    with pytest.raises(DatasetError, match=r"no range-of-motion trial, which method 'functional' needs"):
        build(raw, joint_centres="functional")
    options = BuildOptions(joint_centres="functional", trials=("P04T01",))
    result = build_dataset(one_player, tmp_path / "functional", options=options)
    assert result.exclusions == ()
    text = page(tmp_path / "functional")
    assert "Range-of-motion trial" in text
    assert '<th scope="row">left hip</th><td>centre</td>' in text


def test_a_wrong_unit_is_found_before_any_work(raw):
    assert not [f for f in check_capture(raw).findings if f.check == "body-size"]
    spoil_markers(raw / "P04" / "P04T01.c3d", scaled(1e-3))
    (finding,) = [f for f in check_capture(raw).findings if f.check == "body-size"]
    assert finding.where == "P04T01"
    assert "the file says mm, but the numbers are metres" in finding.problem
    assert finding.mend == 'Write units = "m" into capture.toml [markers].'
    assert finding.value < finding.limit


def test_the_lab_that_called_metres_mm_is_found_by_the_same_gate(tmp_path):
    """The simulated lab's own mistake, not one made here."""
    raw = tmp_path / "raw"
    fault = ("wrong_units",)
    options = TwinOptions(participants=1, trials=2, seconds=3.0, cameras=1, video=False, rom_seconds=0.0, faults=fault)
    write_twin(raw, replace(options, given_clocks=True))
    result = build_dataset(raw, tmp_path / "out")
    (row,) = result.exclusions
    assert "the file says mm, but the numbers are metres" in row["reason"]
