"""``fit_skeleton`` on the moving figure: every marker set, and every kind of input that is not as it should be.

Bounds are generous: they tell a skeleton that works from one that does not, and leave the tuning free.
"""

from dataclasses import replace

import numpy as np
import pytest

from tests.unit.body.skeleton.moving import hidden, moving_trial, of_set, static_trial
from viodat.body import get_marker_set, joint_centres
from viodat.body.skeleton.fit import fit_skeleton
from viodat.body.skeleton.result import SkeletonFit
from viodat.capture.markers import MarkerTrial, Subject
from viodat.errors import BodyError, ConfigError
from viodat.joints import JOINT_INDEX, JOINTS

LEGS = tuple(f"{side}_{joint}" for side in ("left", "right") for joint in ("pelvis", "knee", "ankle"))
ARMS = tuple(f"{side}_{joint}" for side in ("left", "right") for joint in ("shoulder", "elbow", "wrist"))
PELVIS = ("LASI", "RASI", "LPSI", "RPSI", "LILC", "RILC")
HEAD = ("LFHD", "RFHD", "LBHD", "RBHD", "TOP")
RIGID_BONES = tuple(
    (f"{side}_{a}", f"{side}_{b}")
    for side in ("left", "right")
    for a, b in (("pelvis", "knee"), ("knee", "ankle"), ("shoulder", "elbow"), ("elbow", "wrist"), ("wrist", "index"))
)
# The figure's hips are Davis's and the evidence is Harrington's: they differ by 25 mm before motion moves them.
BOUND_MM = {"pelvis": 35.0, "shoulder": 20.0, "thumb": 20.0}


@pytest.fixture(scope="module")
def full() -> tuple[MarkerTrial, MarkerTrial, dict[str, np.ndarray]]:
    return of_set("plug-in-gait", 200)


@pytest.fixture(scope="module")
def whole(full) -> SkeletonFit:
    """The fit of a full trial in which nothing is wrong."""
    return fit_skeleton(full[0], static=full[1])


def errors(found: SkeletonFit, truth: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """(F,) mm by joint, of those that are determined in some frame."""
    return {
        joint: np.linalg.norm(found.positions_mm[:, i] - truth[joint][: len(found.times_s)], axis=-1)
        for joint, i in JOINT_INDEX.items()
        if found.valid[:, i].any()
    }


def check(found: SkeletonFit, truth: dict[str, np.ndarray], joints: tuple[str, ...]) -> None:
    """All of ``joints`` are determined in every frame, near their true places; no other is in any."""
    frames = len(found.times_s)
    away = errors(found, truth)
    assert set(away) == set(joints)
    for joint, distance in away.items():
        assert np.isfinite(distance).all(), joint
        assert distance.max() < BOUND_MM.get(joint.split("_")[1], 15.0), joint
    for i, joint in enumerate(JOINTS):
        assert found.method[i].startswith("skeleton(" if joint in joints else "none: ")
        np.testing.assert_array_equal(np.isfinite(found.sigma_frames_mm[:, i]), found.valid[:, i])
    for first, second in RIGID_BONES:
        length = np.linalg.norm(
            found.positions_mm[:, JOINT_INDEX[first]] - found.positions_mm[:, JOINT_INDEX[second]], axis=-1
        )
        assert np.ptp(length) < 1e-6 or np.isnan(length).all()
    for values in (found.velocities_mm_s, found.accelerations_mm_s2):
        assert values.shape == (frames, 18, 3)


FINGERS = ("left_index", "left_pinky", "right_index", "right_pinky")
SETS = {
    "plug-in-gait": (*LEGS, *ARMS),
    "plug-in-gait-35": (*LEGS, *ARMS),
    "plug-in-gait-sacr": (*LEGS, *ARMS),
    "plug-in-gait-legs": LEGS,
    "plug-in-gait-medial": (*LEGS, *ARMS),
    "plug-in-gait-hands": (*LEGS, *ARMS, *FINGERS),
    "mosa": ("left_pelvis", "right_pelvis", *ARMS),
    "telmi": ("left_pelvis", "right_pelvis", *ARMS),
    "viodat-96": JOINTS,
}


@pytest.mark.parametrize("name", SETS)
def test_every_marker_set_fits(name):
    take, static, truth = of_set(name)
    found = fit_skeleton(take, static=static)
    assert found.marker_set == name
    check(found, truth, SETS[name])
    assert {marker.label for marker in found.report.markers} <= set(take.labels)
    assert all(marker.residual_mm < 8.0 for marker in found.report.markers)


def test_the_report_says_what_was_used(full, whole):
    rom, _ = moving_trial(get_marker_set("plug-in-gait").take_labels, 300, seed=9)
    found = fit_skeleton(full[0], static=full[1], rom=rom)
    assert set(found.report.frames_used) == {"left_leg", "right_leg", "left_arm", "right_arm"}
    assert all(a > 0 and b > 0 for a, b in found.report.frames_used.values())
    assert all(a == 0 and b > 0 for a, b in whole.report.frames_used.values())
    assert [joint.joint for joint in found.report.joints] == list(JOINTS)
    knee = found.report.joints[JOINT_INDEX["left_knee"]]
    assert knee.source == "pig:knee_chord"
    assert knee.determined == 1.0
    assert 0 < knee.calibration_mm <= knee.sigma_mm * 1.5


def test_bones_of_the_report_are_those_of_the_positions(whole):
    for bone, length in whole.report.bones_mm.items():
        first, second = bone.split("-")
        apart = np.linalg.norm(
            whole.positions_mm[:, JOINT_INDEX[first]] - whole.positions_mm[:, JOINT_INDEX[second]], axis=-1
        )
        np.testing.assert_allclose(apart, length, atol=1e-6, err_msg=f"{bone}: 'the same in all frames'")


def test_without_motion_the_centres_stay_where_landmarks_put_them(full):
    found = fit_skeleton(full[0], static=full[1], functional=False)
    assert found.report.frames_used == {}
    assert all(joint.moved_mm == 0 for joint in found.report.joints if joint.source)
    check(found, full[2], (*LEGS, *ARMS))


def test_the_same_input_gives_the_same_bytes(full, whole):
    again = fit_skeleton(full[0], static=full[1])
    np.testing.assert_array_equal(again.positions_mm, whole.positions_mm)
    np.testing.assert_array_equal(again.sigma_frames_mm, whole.sigma_frames_mm)


def test_the_fit_goes_with_the_room(full, whole):
    """Turned about the vertical and carried elsewhere, a trial has the same skeleton."""
    quarter = np.array([[0.0, -1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]])
    shift = np.array([3000.0, -1500.0, 200.0])
    take, static = (replace(t, positions_mm=t.positions_mm @ quarter.T + shift) for t in full[:2])
    found = fit_skeleton(take, static=static)
    np.testing.assert_allclose(found.positions_mm, whole.positions_mm @ quarter.T + shift, atol=0.05)


def test_angles_and_axes_are_there(whole):
    assert {"pelvis", "left_thigh", "right_upper_arm"} <= set(whole.segment_axes)
    for axes in whole.segment_axes.values():
        np.testing.assert_allclose(np.swapaxes(axes, -1, -2) @ axes, np.tile(np.eye(3), (len(axes), 1, 1)), atol=1e-9)
        np.testing.assert_allclose(np.linalg.det(axes), 1.0, atol=1e-9)
    assert np.isfinite(whole.angles_rad).any()


# What is missing.


def test_no_static_trial_is_said_and_works(full):
    take, _, truth = full
    found = fit_skeleton(take)
    check(found, truth, (*LEGS, *ARMS))
    assert any("no static trial" in note for note in found.report.notes)


@pytest.mark.parametrize(("label", "lost"), [("LKNE", ("left_knee", "left_ankle")), ("CLAV", ARMS)])
def test_a_marker_that_the_static_trial_lacks_costs_only_what_needs_it_and_is_named(full, label, lost):
    take, static, truth = full
    found = fit_skeleton(take, static=hidden(static, (label,)))
    check(found, truth, tuple(joint for joint in (*LEGS, *ARMS) if joint not in lost))
    for joint in lost:
        assert label in found.method[JOINT_INDEX[joint]], "the reason names what is missing"


def test_without_the_pelvis_the_arms_are_there(full):
    take, static, truth = full
    upper = [label for label in take.labels if label not in (*PELVIS, *(s + x for s in "LR" for x in
             ("THI", "KNE", "TIB", "ANK", "HEE", "TOE")))]  # fmt: skip
    found = fit_skeleton(take.keeping(upper), static=static.keeping(upper), marker_set="plug-in-gait")
    check(found, truth, ARMS)


@pytest.mark.parametrize("lost", [("LHEE",), ("LTHI",), ("LTIB",), ("LFRM", "RUPA"), ("LHEE", "LTOE"), ("RFIN",)])
def test_segments_with_one_marker_left_or_none_at_the_end(full, lost):
    take, static, truth = full
    check(fit_skeleton(hidden(take, lost), static=static), truth, (*LEGS, *ARMS))


def test_a_segment_that_is_hidden_is_less_sure(full, whole):
    take, static, _ = full
    found = fit_skeleton(hidden(take, ("LTIB", "LANK", "LHEE", "LTOE"), slice(80, 120)), static=static)
    i = JOINT_INDEX["left_ankle"]
    middle = found.sigma_frames_mm[100, i]
    assert np.isnan(middle) or middle > 1.2 * whole.sigma_frames_mm[100, i]
    np.testing.assert_allclose(found.sigma_frames_mm[40, i], whole.sigma_frames_mm[40, i], rtol=0.1)


def test_a_pelvis_that_is_never_seen_leaves_the_legs_out_and_says_so(full):
    take, static, truth = full
    found = fit_skeleton(hidden(take, PELVIS[:4]), static=static)
    check(found, truth, ARMS)
    for joint in LEGS:
        assert "ASI" in found.method[JOINT_INDEX[joint]] or "pelvis" in found.method[JOINT_INDEX[joint]]


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("name", ["plug-in-gait", "viodat-96"])
def test_a_pelvis_hidden_for_a_second_is_bridged_or_not_given(name, seed):
    take, static, truth = of_set(name, 200, seed=seed)
    pelvis = tuple(label for label in PELVIS if label in take.labels)
    gap = slice(50, 150)
    whole = fit_skeleton(take, static=static)
    found = fit_skeleton(hidden(take, pelvis, gap), static=static)
    for joint in LEGS:
        i = JOINT_INDEX[joint]
        away = np.linalg.norm(found.positions_mm[:, i] - truth[joint], axis=-1)
        before = np.linalg.norm(whole.positions_mm[:, i] - truth[joint], axis=-1)
        # Knee and ankle carry markers of their own in the gap.
        assert not np.nanmax(away) > before.max() + (40.0 if joint.endswith("pelvis") else 25.0), joint
        # Three coordinates, three sigma each.
        assert not (away > 3 * np.sqrt(3) * found.sigma_frames_mm[:, i]).any(), joint
    hip = JOINT_INDEX["left_pelvis"]
    middle = found.sigma_frames_mm[90:110, hip]
    assert np.isnan(middle).all() or np.nanmedian(middle) > np.median(whole.sigma_frames_mm[90:110, hip])


@pytest.mark.parametrize("frames", [slice(50, 190), slice(1, None)], ids=["most of the time", "all but a frame"])
@pytest.mark.parametrize(
    "lost", [HEAD, PELVIS, ("C7", "T10", "CLAV", "STRN", "RBAK")], ids=["head", "pelvis", "thorax"]
)
def test_a_root_hidden_nearly_always_ends_no_fit(full, lost, frames):
    take, static, truth = full
    lost = tuple(label for label in lost if label in take.labels)
    found = fit_skeleton(hidden(take, lost, frames), static=static)
    unharmed = {"LFHD": (*LEGS, *ARMS), "LASI": ARMS, "C7": LEGS}[lost[0]]
    away = errors(found, truth)
    for joint in unharmed:
        assert away[joint].max() < BOUND_MM.get(joint.split("_")[1], 15.0), joint


@pytest.mark.parametrize("frames", [1, 2, 3, 4])
@pytest.mark.parametrize("with_static", [True, False])
def test_trials_of_few_frames(full, frames, with_static):
    take, static, truth = full
    short = replace(take, positions_mm=take.positions_mm[:frames], residuals=take.residuals[:frames])
    found = fit_skeleton(short, static=static if with_static else None)
    check(found, truth, (*LEGS, *ARMS))
    assert found.joints(found.times_s).shape == (frames, 18, 3)
    assert np.isfinite(found.joints(found.times_s)[:, JOINT_INDEX["left_knee"]]).all()


def test_a_frame_without_any_marker_is_bridged_or_not_given(full):
    take, static, truth = full
    found = fit_skeleton(hidden(take, take.labels, slice(100, 103)), static=static)
    away = errors(found, truth)
    for joint in (*LEGS, *ARMS):
        assert not np.nanmax(away[joint]) > BOUND_MM.get(joint.split("_")[1], 15.0) + 5, joint


def test_the_end_of_a_trial_without_markers_is_not_invented(full):
    take, static, _ = full
    found = fit_skeleton(hidden(take, take.labels, slice(120, None)), static=static)
    assert found.valid[:115, : JOINT_INDEX["left_index"]].all()
    assert not found.valid[-1].any()


# What is wrong.


@pytest.mark.parametrize("with_static", [True, False])
def test_no_marker_seen_is_a_clear_refusal(full, with_static):
    take, static, _ = full
    with pytest.raises(BodyError):
        fit_skeleton(hidden(take, take.labels), static=static if with_static else None)
    none = replace(take, positions_mm=take.positions_mm[:0], residuals=take.residuals[:0])
    with pytest.raises(BodyError):
        fit_skeleton(none, static=static if with_static else None)


def test_labels_of_no_set_are_a_clear_refusal(full):
    take = full[0].renamed({label: f"X{label}" for label in full[0].labels})
    with pytest.raises(BodyError, match="no marker set fits the 39 labels"):
        fit_skeleton(take, static=full[1])
    with pytest.raises(ConfigError, match="there is no marker set 'ours'"):
        fit_skeleton(full[0], static=full[1], marker_set="ours")
    with pytest.raises(ConfigError):
        fit_skeleton(full[0], static=full[1], subject={"knee_width_both_mm": 100.0})


def test_landmarks_without_pelvis_and_thorax_are_a_clear_refusal():
    labels = get_marker_set("anatomical-landmarks").labels
    take, _ = moving_trial(labels, 20)
    with pytest.raises(BodyError, match="hangs on pelvis and thorax"):
        fit_skeleton(take, static=static_trial(labels))


def test_a_head_alone_is_a_clear_refusal(full):
    """No joint is in it, and ``fit_skeleton`` promises an error where the markers determine none."""
    take, static, _ = full
    with pytest.raises(BodyError):
        fit_skeleton(hidden(take, tuple(label for label in take.labels if label not in HEAD)), static=static)


def test_without_measurements_the_reasons_name_them(full):
    take, static, _ = full
    nobody = Subject()
    found = fit_skeleton(replace(take, subject=nobody), static=replace(static, subject=nobody))
    assert any("leg_length" in note for note in found.report.notes)
    assert not found.valid[:, JOINT_INDEX["left_knee"]].any()
    assert "knee_width_left_mm" in found.method[JOINT_INDEX["left_knee"]], "the reason names what is missing"


@pytest.mark.parametrize("factor", [1e-3, 1e3], ids=["metres called mm", "micrometres called mm"])
@pytest.mark.parametrize("what", ["both", "take", "static", "take alone"])
def test_a_wrong_unit_is_a_clear_refusal(full, factor, what):
    take, static, _ = full
    small_take, small_static = (replace(t, positions_mm=t.positions_mm * factor) for t in (take, static))
    trial = take if what == "static" else small_take
    standing = {"both": small_static, "take": static, "static": small_static, "take alone": None}[what]
    with pytest.raises(BodyError, match="mm"):
        fit_skeleton(trial, static=standing)


def test_a_static_trial_of_zeros_is_a_clear_refusal(full):
    """Some programs write 0, 0, 0 for a marker that they did not see."""
    take, static, _ = full
    with pytest.raises(BodyError):
        fit_skeleton(take, static=replace(static, positions_mm=np.zeros_like(static.positions_mm)))


def test_repeated_and_unlabelled_points_change_nothing(full, whole):
    take, static, _ = full
    ghost = take.positions_mm[:, :2] + 30.0
    more = replace(
        take,
        labels=(*take.labels, "LKNE#2", "*7"),
        positions_mm=np.concatenate([take.positions_mm, ghost], axis=1),
        residuals=np.zeros((take.n_frames, len(take.labels) + 2)),
    )
    np.testing.assert_allclose(fit_skeleton(more, static=static).positions_mm, whole.positions_mm, atol=1e-9)


def test_a_value_that_is_infinite_is_missing(full, whole):
    take, static, _ = full
    positions = take.positions_mm.copy()
    positions[3, take.labels.index("LKNE")] = np.inf
    found = fit_skeleton(replace(take, positions_mm=positions), static=static)
    np.testing.assert_allclose(found.positions_mm[20:], whole.positions_mm[20:], atol=1.0)


def test_one_wrong_marker_hardly_matters(full, whole):
    take, static, _ = full
    positions = take.positions_mm.copy()
    positions[60:90, take.labels.index("LTIB")] += [200.0, 0.0, 0.0]
    found = fit_skeleton(replace(take, positions_mm=positions), static=static)
    moved = np.linalg.norm(found.positions_mm - whole.positions_mm, axis=-1)
    # The shank keeps one marker and both its joints: it is less sure, and no more than this from where it was.
    assert np.nanmax(moved) < 15.0
    outlying = {m.label: m.outlying for m in found.report.markers}
    assert outlying["LTIB"] == pytest.approx(30 / 200, abs=0.02)
    assert max(share for label, share in outlying.items() if label != "LTIB") < 0.05


@pytest.mark.parametrize("rate_hz", [25.0, 30.0, 120.0, 250.0])
def test_other_rates(full, rate_hz):
    take, static, truth = full
    found = fit_skeleton(replace(take, rate_hz=rate_hz), static=static)
    check(found, truth, (*LEGS, *ARMS))
    assert found.rate_hz == rate_hz


def test_the_input_is_left_as_it_was(full):
    take, static, _ = full
    before = take.positions_mm.copy(), static.positions_mm.copy()
    fit_skeleton(take, static=static)
    np.testing.assert_array_equal(take.positions_mm, before[0])
    np.testing.assert_array_equal(static.positions_mm, before[1])


def test_frame_by_frame_centres_are_untouched(full):
    take, static, _ = full
    before = joint_centres(take).positions_mm
    fit_skeleton(take, static=static)
    np.testing.assert_array_equal(joint_centres(take).positions_mm, before)
