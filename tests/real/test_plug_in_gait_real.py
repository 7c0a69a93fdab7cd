"""Joint centres of real Vicon files against the centres that Vicon itself stored in them, in every frame."""

import shutil
import struct
from pathlib import Path

import numpy as np
import pytest

from viodat.body import (
    audit_sides,
    declared_diameter_check,
    detect_marker_set,
    joint_centres,
    stored_centres,
)
from viodat.capture.c3d import read_c3d
from viodat.capture.markers import MarkerTrial
from viodat.capture.trc import read_trc
from viodat.capture.vsk import read_vsk

TOLERANCE_MM = 0.01
GAIT = tuple(
    f"gait_lab/{child}/{child}{number}.c3d"
    for child, numbers in {
        "HC002D": ("02", "06", "25"),
        "HC030A": ("01", "05", "22"),
        "HC031A": ("01", "06", "23"),
        "HC032A": ("01", "03", "18"),
    }.items()
    for number in numbers
)
ADULTS = {"pycgm/RoboStatic.c3d": "pycgm/RoboSM.vsk", "pycgm/Sample_Static.c3d": "pycgm/Sample_SM.vsk"}
FILES = (*GAIT, *ADULTS)
JOINTS_COMPARED = ("pelvis", "knee", "ankle", "shoulder", "elbow", "wrist", "hand")
PAIRS = ("ASI", "THI", "KNE", "TIB", "ANK", "HEE", "TOE", "SHO", "ELB", "WRA", "WRB", "FIN", "FHD", "BHD")


def load(real_data: Path, name: str) -> tuple[MarkerTrial, dict[str, float]]:
    trial = read_c3d(real_data / name)
    measured = dict(trial.subject.measurements)
    if name in ADULTS:
        measured |= read_vsk(real_data / ADULTS[name]).measurements
    return trial, measured


@pytest.fixture(scope="module")
def trials(real_data: Path) -> dict[str, tuple[MarkerTrial, dict[str, float]]]:
    return {name: load(real_data, name) for name in FILES}


def differences(trial: MarkerTrial, measured: dict[str, float]) -> dict[str, np.ndarray]:
    """Joint -> distances (N,) mm between our centres and Vicon's in all frames where Vicon has one."""
    found = joint_centres(trial, subject=measured, method="pig")
    stored = stored_centres(trial)
    assert len(stored) == 14
    distances: dict[str, np.ndarray] = {}
    for name, theirs in stored.items():
        ours = found.extra[name] if name.endswith("hand") else found.joint(name)
        there = np.isfinite(theirs).all(axis=-1)
        assert np.isfinite(ours[there]).all(), f"{name}: Vicon has a centre in a frame where viodat has none"
        distances[name] = np.linalg.norm(ours - theirs, axis=-1)[there]
    return distances


def test_every_centre_equals_vicons(trials, capsys):
    by_file = {name: differences(*trials[name]) for name in FILES}
    lines = [f"{'joint':<10}{'files':>7}{'frames':>9}{'median mm':>12}{'max mm':>10}   worst file"]
    for joint in JOINTS_COMPARED:
        here = {
            name: np.concatenate([d[f"{side}_{joint}"] for side in ("left", "right")]) for name, d in by_file.items()
        }
        everything = np.concatenate(list(here.values()))
        worst = max(here, key=lambda name: here[name].max(initial=0))
        lines.append(
            f"{joint:<10}{len(here):>7}{everything.size:>9,}{np.median(everything):>12.6f}"
            f"{everything.max():>10.6f}   {Path(worst).stem}"
        )
    with capsys.disabled():
        print("\n\nviodat against Vicon's own joint centres, left and right together\n" + "\n".join(lines))
    for name, by_joint in by_file.items():
        for joint, distances in by_joint.items():
            assert distances.size > 0, f"{name} {joint}: nothing was compared"
            assert distances.max() <= TOLERANCE_MM, f"{name} {joint}"


@pytest.mark.parametrize("name", FILES)
def test_mid_hip_equals_vicons_pelvis_origin(trials, name):
    trial, measured = trials[name]
    found = joint_centres(trial, subject=measured, method="pig").extra["mid_hip"]
    assert np.nanmax(np.linalg.norm(found - trial.virtual["PELO"], axis=-1)) <= TOLERANCE_MM


def test_centres_follow_from_the_file_alone_where_it_has_the_measurements(trials):
    for name in (*GAIT, "pycgm/RoboStatic.c3d"):
        trial, measured = trials[name]
        own, given = joint_centres(trial), joint_centres(trial, subject=measured)
        np.testing.assert_allclose(own.positions_mm, given.positions_mm, atol=0.001)


def test_sample_static_has_its_measurements_only_in_the_vsk(trials):
    trial, measured = trials["pycgm/Sample_Static.c3d"]
    assert "leg_length_left_mm" not in trial.subject.measurements
    alone = joint_centres(trial)
    assert alone.method[alone.names.index("left_pelvis")].startswith("none: measurements leg_length_left_mm")
    assert "left_pelvis" in joint_centres(trial, subject=measured).determined


@pytest.mark.parametrize("name", FILES)
def test_marker_set_fingers_and_gaps(trials, name):
    trial, measured = trials[name]
    found = joint_centres(trial, subject=measured)
    assert found.marker_set == ("plug-in-gait-sacr" if name in GAIT else "plug-in-gait-35")
    assert detect_marker_set(trial.labels).name == found.marker_set
    assert found.method[-1] == "none: fingers need hand markers"
    assert np.isnan(found.positions_mm[:, 12:]).all()
    lost = np.isnan(trial.marker("LKNE")).any(axis=-1)
    assert np.isnan(found.joint("left_knee")[lost]).all()


def test_declared_inter_asis_distance_is_used_and_the_conflict_noted(trials):
    trial, _ = trials["gait_lab/HC030A/HC030A05.c3d"]
    (note,) = joint_centres(trial, method="pig").notes
    assert "declared as 204.0 mm" in note
    assert "236.5 mm apart" in note


@pytest.mark.parametrize("name", FILES)
def test_true_diameters_are_confirmed(trials, name):
    trial, measured = trials[name]
    check = declared_diameter_check(trial, measured)
    assert check.declared_mm == (10.0 if name in GAIT else 14.0)
    assert check.used_mm == pytest.approx(check.declared_mm, abs=0.001)
    assert check.residual_mm <= 0.001
    assert not check.contradicts


def test_a_file_doctored_to_another_diameter_is_found_with_both_numbers(real_data, tmp_path):
    copy = tmp_path / "doctored.c3d"
    shutil.copyfile(real_data / GAIT[1], copy)
    content = bytearray(copy.read_bytes())
    # A parameter record: name, offset to the next (2 bytes), type 4 = float, number of dimensions, their sizes, data.
    at = content.index(b"MarkerDiameter") + len(b"MarkerDiameter") + 2
    assert content[at] == 4
    data = at + 2 + content[at + 1]
    assert struct.unpack_from("<f", content, data) == (10.0,)
    struct.pack_into("<f", content, data, 14.0)
    copy.chmod(0o644)
    copy.write_bytes(content)
    declared_mm, used_mm, residual_mm = check = declared_diameter_check(read_c3d(copy))
    assert declared_mm == 14.0
    assert used_mm == pytest.approx(10.0, abs=0.001)
    assert residual_mm <= 0.001
    assert check.contradicts


@pytest.mark.parametrize("name", FILES)
def test_no_side_is_called_exchanged_where_none_is(trials, name):
    trial, measured = trials[name]
    assert audit_sides(trial, joint_centres(trial, subject=measured)) == []


@pytest.mark.parametrize("name", FILES)
def test_every_exchanged_pair_is_named(trials, name):
    trial, _ = trials[name]
    for stem in PAIRS:
        swapped = trial.renamed({f"L{stem}": f"R{stem}", f"R{stem}": f"L{stem}"})
        found = audit_sides(swapped)
        assert len(found) == 1, f"{stem}: {found}"
        assert found[0].startswith(f"L{stem} and R{stem} look exchanged")


def test_named_joints_of_a_markerless_trc(real_data):
    trial = read_trc(next((real_data / "multiview" / "pose3d").glob("*0-100.trc")))
    found = joint_centres(trial)
    assert found.marker_set == "named-joints"
    assert len(found.determined) == 12
    np.testing.assert_array_equal(found.joint("left_pelvis"), trial.marker("LHip"))
    assert found.method[found.names.index("right_wrist")] == "named:RWrist"
    assert audit_sides(trial, found) == []
    swapped = trial.renamed({"LKnee": "RKnee", "RKnee": "LKnee"})
    (finding,) = audit_sides(swapped, joint_centres(swapped))
    assert "left_knee (LKnee) and right_knee (RKnee) look exchanged" in finding
