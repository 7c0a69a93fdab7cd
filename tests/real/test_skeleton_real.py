"""The skeleton fit on real Vicon recordings: what must hold on people, and how far its centres are from Plug-in Gait's.

Nobody has seen these people's bones, so the distance from the per-frame centres is a spread between methods, no error.
Bounds: published differences between ways of finding a centre. Hips: 14 to 33 mm between regressions (Mantovani 2016).
Shoulders: 10 to 50 mm between regressions and functional centres (Campbell et al. 2009, Lempereur et al. 2010). Knees,
ankles, elbows: the chord stands and falls with the marker that gives its plane, by 10 to 30 mm. Wrists: the centre lies
35 mm beside the bar that carries Plug-in Gait's two markers, so a forearm turned over shows as 70 mm.
"""

from pathlib import Path

import numpy as np
import pytest

from viodat.body import joint_centres
from viodat.body.skeleton import motion
from viodat.body.skeleton.fit import fit_skeleton
from viodat.body.skeleton.result import SkeletonFit
from viodat.capture.c3d import read_c3d
from viodat.capture.markers import MarkerTrial
from viodat.capture.vsk import read_vsk
from viodat.joints import JOINT_INDEX

STATIC = {"HC002D": "02", "HC030A": "01", "HC031A": "01", "HC032A": "01"}
WALKS = {"HC002D": ("06", "25"), "HC030A": ("05", "22"), "HC031A": ("06", "23"), "HC032A": ("03", "18")}
CHILDREN = tuple(f"{child}{n}" for child, numbers in WALKS.items() for n in (STATIC[child], *numbers))
ADULTS = {"RoboStatic": "RoboSM", "Sample_Static": "Sample_SM"}
TRIALS = (*CHILDREN, *ADULTS)
PARTS = ("pelvis", "knee", "ankle", "shoulder", "elbow", "wrist")
FINGERS = ("index", "pinky", "thumb")
BOUND_MM = {"pelvis": 35.0, "knee": 30.0, "ankle": 25.0, "shoulder": 50.0, "elbow": 25.0, "wrist": 40.0}
"""Median over people and trials of the distance between the fit's centre and Plug-in Gait's."""

WORST_RESIDUAL_MM = 25.0
"""Of a marker's root mean square: skin over the thigh wanders by up to 30 mm (Leardini et al. 2005)."""

BONES = (("pelvis", "knee"), ("knee", "ankle"), ("shoulder", "elbow"), ("elbow", "wrist"))


def load(real_data: Path, name: str) -> tuple[MarkerTrial, MarkerTrial, dict[str, float]]:
    """A trial, the static trial of the same person, and the measurements."""
    if name in ADULTS:
        trial = read_c3d(real_data / f"pycgm/{name}.c3d")
        return (
            trial,
            trial,
            {**trial.subject.measurements, **read_vsk(real_data / f"pycgm/{ADULTS[name]}.vsk").measurements},
        )
    child = name[:6]
    static = read_c3d(real_data / f"gait_lab/{child}/{child}{STATIC[child]}.c3d")
    trial = read_c3d(real_data / f"gait_lab/{child}/{name}.c3d")
    return trial, static, {**static.subject.measurements, **trial.subject.measurements}


Fitted = tuple[MarkerTrial, dict[str, float], SkeletonFit]


@pytest.fixture(scope="module")
def fits(real_data: Path) -> dict[str, Fitted]:
    found = {}
    for name in TRIALS:
        trial, static, measured = load(real_data, name)
        found[name] = trial, measured, fit_skeleton(trial, static=static, subject=measured)
    return found


def apart(fitted: Fitted, joint: str) -> np.ndarray:
    """(N,) mm between the fit's centre and Plug-in Gait's, in the frames that have both."""
    trial, measured, found = fitted
    framewise = joint_centres(trial, subject=measured, method="pig").joint(joint)
    distance = np.linalg.norm(found.positions_mm[:, JOINT_INDEX[joint]] - framewise, axis=-1)
    return np.asarray(distance[np.isfinite(distance)])


def both(part: str) -> tuple[str, str]:
    return f"left_{part}", f"right_{part}"


def test_every_joint_but_the_fingers_is_determined(fits):
    for name, (trial, _, found) in fits.items():
        for part in PARTS:
            for joint in both(part):
                share = found.valid[:, JOINT_INDEX[joint]].mean()
                assert share > 0.97, f"{name} {joint}: {share:.2f} of {trial.n_frames} frames"
        for part in FINGERS:
            for joint in both(part):
                assert not found.valid[:, JOINT_INDEX[joint]].any()
                assert found.method[JOINT_INDEX[joint]].startswith("none: ")


def test_bones_are_of_constant_length(fits):
    for name, (_, _, found) in fits.items():
        for a, b in BONES:
            for side in ("left", "right"):
                length = np.linalg.norm(
                    found.positions_mm[:, JOINT_INDEX[f"{side}_{a}"]]
                    - found.positions_mm[:, JOINT_INDEX[f"{side}_{b}"]],
                    axis=-1,
                )
                assert np.nanmax(length) - np.nanmin(length) < 1e-6, f"{name} {side} {a}-{b}"


def test_bones_varied_before_the_fit(fits):
    for name in CHILDREN:
        if name[6:] != STATIC[name[:6]]:
            variation = fits[name][2].report.bone_variation_mm
            assert max(variation[f"{s}_shoulder-{s}_elbow"] for s in ("left", "right")) > 0.5, name


def test_bones_of_the_same_person_agree_between_trials(fits):
    for child, numbers in WALKS.items():
        for a, b in BONES:
            for side in ("left", "right"):
                bone = f"{side}_{a}-{side}_{b}"
                lengths = [fits[f"{child}{n}"][2].report.bones_mm[bone] for n in numbers]
                assert abs(lengths[0] - lengths[1]) < 15.0, f"{child} {bone}: {lengths}"


def test_residuals_are_those_of_skin(fits, capsys):
    by_segment: dict[str, list[tuple[float, str, str]]] = {}
    for name, (_, _, found) in fits.items():
        for marker in found.report.markers:
            part = marker.segment.removeprefix("left_").removeprefix("right_")
            by_segment.setdefault(part, []).append((marker.residual_mm, marker.label, name))
            assert marker.residual_mm < WORST_RESIDUAL_MM, f"{name} {marker.label}"
            assert marker.outlying < 0.2, f"{name} {marker.label}"
    lines = [f"{'segment':<12}{'markers':>8}{'median mm':>11}{'p95 mm':>9}{'worst mm':>10}   worst marker"]
    for part, rows in by_segment.items():
        sizes = [row[0] for row in rows]
        worst = max(rows)
        lines.append(
            f"{part:<12}{len(rows):>8}{np.median(sizes):>11.2f}{np.percentile(sizes, 95):>9.2f}{worst[0]:>10.2f}   "
            f"{worst[1]} in {worst[2]}"
        )
    with capsys.disabled():
        print("\n\nResidual of the fit per marker and trial, root mean square distance\n" + "\n".join(lines))


def test_centres_are_within_the_methods_spread_of_plug_in_gaits(fits, capsys):
    lines = [f"{'joint':<10}{'median mm':>11}{'p95 mm':>9}{'max mm':>9}{'worst trial (median)':>30}"]
    medians: dict[str, dict[str, float]] = {}
    for part in PARTS:
        by_trial = {
            f"{name} {joint.split('_')[0]}": apart(fitted, joint)
            for name, fitted in fits.items()
            for joint in both(part)
        }
        medians[part] = {name: float(np.median(distance)) for name, distance in by_trial.items()}
        everything = np.concatenate(list(by_trial.values()))
        worst = max(medians[part], key=lambda name: medians[part][name])
        lines.append(
            f"{part:<10}{np.median(everything):>11.1f}{np.percentile(everything, 95):>9.1f}{everything.max():>9.1f}"
            f"{worst:>22} {medians[part][worst]:>6.1f}"
        )
    with capsys.disabled():
        print("\n\nThe fit's centres from Plug-in Gait's, both sides of 14 trials\n" + "\n".join(lines))
    for part in PARTS:
        assert np.median(list(medians[part].values())) <= BOUND_MM[part], part
        # One person may be farther: HC030A declares an inter-ASIS distance that is 32 mm off, and so are Davis's hips.
        for name, median in medians[part].items():
            assert median <= BOUND_MM[part] + 10.0, f"{part} of {name}"


def test_no_frame_is_far_from_plug_in_gaits(fits):
    """A limb bent the wrong way, or a forearm turned over, shows as a distance that jumps within the trial."""
    for name, fitted in fits.items():
        for part in PARTS:
            for joint in both(part):
                distance = apart(fitted, joint)
                assert distance.max() < np.median(distance) + 35.0, f"{name} {joint}"


@pytest.mark.parametrize("name", ["HC030A05", "HC031A06", "HC032A03"])
def test_more_rounds_change_nothing(fits, real_data, name, monkeypatch):
    """What is given is where the least squares end, not where the rounds ran out."""
    monkeypatch.setattr(motion, "_ROUNDS", 50)
    trial, static, measured = load(real_data, name)
    settled = fit_skeleton(trial, static=static, subject=measured)
    moved = np.linalg.norm(settled.positions_mm - fits[name][2].positions_mm, axis=-1)
    assert np.nanmax(moved) < 1.0


def test_sigma_is_at_least_that_of_landmarks_and_no_more_than_a_joint(fits):
    for name, (_, _, found) in fits.items():
        for part in PARTS:
            for joint in both(part):
                sigma = found.sigma_frames_mm[:, JOINT_INDEX[joint]]
                assert 1.0 < np.nanmedian(sigma) < 40.0, f"{name} {joint}"


def test_joints_move_as_people_do(fits):
    for name, (_, _, found) in fits.items():
        speed = np.linalg.norm(found.velocities_mm_s, axis=-1)
        limit = 500.0 if name in ADULTS or name[6:] == STATIC[name[:6]] else 6000.0
        assert np.nanmax(speed) < limit, name
        assert np.nanmax(np.linalg.norm(found.accelerations_mm_s2, axis=-1)) < 3e5, name


@pytest.mark.parametrize("name", ["HC002D06", "HC031A23"])
def test_a_walk_without_its_static_trial(real_data, fits, name):
    trial, _, measured = load(real_data, name)
    found = fit_skeleton(trial, subject=measured)
    assert any("no static trial" in note for note in found.report.notes)
    for part in PARTS:
        for joint in both(part):
            distance = apart((trial, measured, found), joint)
            assert np.median(distance) <= BOUND_MM[part] + 10.0, joint


def test_frame_by_frame_plug_in_gait_is_untouched(real_data, fits):
    """Vicon's own points, before and after a fit of the same trial."""
    trial, measured, _ = fits["HC030A22"]
    ours = joint_centres(trial, subject=measured, method="pig")
    for stored, joint in {
        "LFEP": "left_pelvis",
        "RFEO": "right_knee",
        "LTIO": "left_ankle",
        "RHUO": "right_elbow",
    }.items():
        theirs = trial.virtual[stored]
        there = np.isfinite(theirs).all(axis=-1)
        assert np.linalg.norm(ours.joint(joint) - theirs, axis=-1)[there].max() < 0.01
