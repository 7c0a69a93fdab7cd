"""The bow of a made-up violinist, whose speed and whose place on the strings are known."""

from dataclasses import replace

import numpy as np
import pytest

from tests.unit.clock.bowed import Take, bridge_mm, motion_of_take, take
from viodat.clock.bowing import bowing_of, through_gaps, violin_frame
from viodat.joints import JOINT_INDEX

TAKE = take(3)
MOTION = motion_of_take(TAKE)
TRUE = TAKE.at("speed_mm_s", MOTION.times_s)
RIGHT_HAND = [JOINT_INDEX[f"right_{name}"] for name in ("wrist", "index", "pinky", "thumb")]
NO_MARKERS = {"violin": (), "bow": ()}


def with_gaps(motion, gaps):
    """``gaps``: label -> frames."""
    markers = {label: track.copy() for label, track in motion.markers.items()}
    for label, frames in gaps.items():
        markers[label][frames] = np.nan
    return replace(motion, markers=markers)


@pytest.mark.parametrize("violin", [("VIO1", "VIO2", "VIO3"), ("VIO1", "VIO2", "VIO3", "VIO4"), ("VIO1", "VIO4")])
def test_speed_along_the_bow_and_where_it_meets_the_strings(violin):
    """Two markers are what MOSA has: the line between them, and the vertical."""
    motion = motion_of_take(TAKE, violin=violin)
    found = bowing_of(motion)
    assert found.from_markers
    assert (found.start_s, found.rate_hz, len(found.speed_mm_s)) == (0.0, 100.0, 1200)
    # Down bow and up bow keep their signs throughout: frog to tip is one of the two directions.
    sign = np.sign(np.corrcoef(found.speed_mm_s, TRUE)[0, 1])
    error = sign * found.speed_mm_s - TRUE
    assert np.sqrt(np.mean(np.square(error))) < 25
    assert np.abs(np.mean(error)) < 3
    np.testing.assert_allclose(found.place_mm, bridge_mm(motion.times_s).mean(axis=0), atol=2.0)
    assert found.known.all()


def test_the_violins_own_sway_is_not_the_bows():
    """A bow at rest on a violin that is carried about."""
    count = len(TAKE.speed_mm_s)
    still = replace(TAKE, speed_mm_s=np.zeros(count), lift_mm=np.zeros(count))
    # Its tilt moves no point along the bow, noise of 0.1 mm does by some mm/s.
    found = bowing_of(motion_of_take(still))
    assert np.abs(found.speed_mm_s).max() < 25
    assert np.std(found.speed_mm_s) < 10


@pytest.mark.parametrize("ends", [("BOW1", "BOW2"), ("BOW2", "BOW1")])
def test_the_bow_tilts_towards_the_higher_strings(ends):
    """Whichever end is named first; its tip is the one away from the hand."""
    motion = motion_of_take(take(3), bow=ends)
    tilt = 0.25 * np.sin(2 * np.pi * 0.21 * motion.times_s)
    found = bowing_of(motion).tilt_rad
    assert np.abs(found - found.mean() - (tilt - tilt.mean())).max() < 0.03


def test_without_a_hand_nobody_knows_which_end_is_the_tip():
    motion = motion_of_take(take(3))
    unseen = motion.joints_mm.copy()
    unseen[:, [JOINT_INDEX["left_wrist"], JOINT_INDEX["right_wrist"]]] = np.nan
    assert bowing_of(replace(motion, joints_mm=unseen)).tilt_rad is None
    assert bowing_of(motion_of_take(take(3), bow=())).tilt_rad is None


def test_lifted_bow_is_off_the_string():
    found = bowing_of(MOTION)
    lift = TAKE.at("lift_mm", MOTION.times_s)
    assert (lift > 45).sum() > 30
    assert found.on_string[lift > 45].max() < 0.1
    assert found.on_string[lift == 0].min() > 0.9
    assert 0 <= found.on_string.min() <= found.on_string.max() <= 1


def test_spiccato_leaves_the_string_and_legato_does_not():
    times = TAKE.start_s + np.arange(len(TAKE.speed_mm_s)) / 1000
    hops = np.maximum(8.0 * np.sin(2 * np.pi * 3.1 * times), 0.0)
    legato = replace(TAKE, lift_mm=np.zeros(len(times)))
    found = bowing_of(motion_of_take(replace(TAKE, lift_mm=hops)))
    assert bowing_of(motion_of_take(legato)).lifted < 0.05
    assert found.lifted > 0.15
    high = np.interp(MOTION.times_s, times, hops) > 6
    assert found.bouncing[high].mean() < 0.35 < 0.9 < found.on_string[high].mean()


def test_short_gaps_are_bridged_and_long_ones_said():
    motion = with_gaps(MOTION, {"BOW1": slice(300, 310), "VIO2": slice(600, 700)})
    found = bowing_of(motion)
    assert np.isfinite(found.speed_mm_s).all()
    assert np.isfinite(found.on_string).all()
    assert found.known[295:320].all()
    assert not found.known[620:680].any()
    error = np.sign(np.corrcoef(found.speed_mm_s, TRUE)[0, 1]) * found.speed_mm_s - TRUE
    assert np.sqrt(np.mean(np.square(error[found.known]))) < 40


def test_without_markers_the_right_hand_stands_for_the_bow():
    motion = motion_of_take(TAKE, **NO_MARKERS)
    found = bowing_of(motion)
    assert not found.from_markers
    assert abs(np.corrcoef(found.speed_mm_s, TRUE)[0, 1]) > 0.99
    assert (found.on_string == 1).all()
    assert (found.bouncing, found.lifted) == (None, 0.0)
    assert np.linalg.norm(found.place_mm - bridge_mm(motion.times_s).mean(axis=0)) < 300


def test_a_player_who_walks_bows_no_more():
    motion = motion_of_take(TAKE, **NO_MARKERS)
    walked = 400 * np.sin(2 * np.pi * 0.4 * motion.times_s)[:, None, None] * np.array([0.6, 0.8, 0.0])
    found = bowing_of(replace(motion, joints_mm=motion.joints_mm + walked))
    assert abs(np.corrcoef(found.speed_mm_s, TRUE)[0, 1]) > 0.99


@pytest.mark.parametrize(
    "more", [{"violin": ("VIO1",)}, {"bow": ("BOW1",)}, {"violin": ()}, {"bow": ()}], ids=lambda more: str(more)
)
def test_too_few_markers_leave_it_to_the_joints(more):
    assert not bowing_of(motion_of_take(TAKE, **more)).from_markers


def test_two_markers_close_together_do_not_say_where_a_bow_points():
    markers = dict(MOTION.markers)
    markers["BOW2"] = markers["BOW1"] + np.array([0.0, 60.0, 0.0])
    assert not bowing_of(replace(MOTION, markers=markers)).from_markers


def test_joints_without_a_hand_leave_the_wrist():
    motion = motion_of_take(TAKE, **NO_MARKERS)
    joints = motion.joints_mm.copy()
    joints[:, RIGHT_HAND[1:]] = np.nan
    found = bowing_of(replace(motion, joints_mm=joints))
    assert abs(np.corrcoef(found.speed_mm_s, TRUE)[0, 1]) > 0.99


def test_a_gap_of_the_joints_is_said():
    motion = motion_of_take(TAKE, **NO_MARKERS)
    joints = motion.joints_mm.copy()
    joints[400:500, RIGHT_HAND] = np.nan
    found = bowing_of(replace(motion, joints_mm=joints))
    assert not found.known[420:480].any()
    assert found.known[:380].all()
    assert np.isfinite(found.speed_mm_s).all()


def test_nobody_seen():
    for frames in (20, 300):
        motion = motion_of_take(TAKE, seconds=frames / 100)
        gone = {label: np.full_like(track, np.nan) for label, track in motion.markers.items()}
        nothing = replace(motion, joints_mm=np.full_like(motion.joints_mm, np.nan), markers=gone)
        assert bowing_of(nothing) is None
    assert bowing_of(motion_of_take(TAKE, seconds=0.2)) is None


def test_a_late_start_is_kept():
    late = motion_of_take(TAKE, seconds=6.0, start_s=5.0)
    found = bowing_of(late)
    assert found.start_s == 5.0
    assert abs(np.corrcoef(found.speed_mm_s, TAKE.at("speed_mm_s", late.times_s))[0, 1]) > 0.99


def test_the_violins_frame_is_a_rotation_that_moves_with_it():
    for violin in (("VIO1", "VIO2", "VIO3"), ("VIO1", "VIO4")):
        motion = motion_of_take(TAKE, violin=violin)
        axes, origin = violin_frame(motion)
        np.testing.assert_allclose(axes @ axes.transpose(0, 2, 1), np.broadcast_to(np.eye(3), axes.shape), atol=1e-9)
        np.testing.assert_allclose(np.linalg.det(axes), 1.0)
        bridge = bridge_mm(motion.times_s)
        own = np.einsum("tji,tj->ti", axes, bridge - origin)
        assert np.linalg.norm(own - own.mean(axis=0), axis=1).max() < 3.0, "the bridge stands still in it"
    assert violin_frame(motion_of_take(TAKE, violin=("VIO1",))) is None


def test_through_gaps_is_straight():
    values = np.array([[0.0], [np.nan], [np.nan], [3.0], [np.nan]])
    np.testing.assert_allclose(through_gaps(values)[:, 0], [0, 1, 2, 3, 3])


def test_deterministic():
    first, second = bowing_of(MOTION), bowing_of(MOTION)
    np.testing.assert_array_equal(first.speed_mm_s, second.speed_mm_s)
    np.testing.assert_array_equal(first.place_mm, second.place_mm)


def test_a_finger_that_is_lost_for_a_moment_makes_no_stroke():
    motion = motion_of_take(TAKE, **NO_MARKERS)
    joints = motion.joints_mm.copy()
    for first in range(200, 1200, 100):
        joints[first : first + 40, JOINT_INDEX["right_index"]] = np.nan
    found = bowing_of(replace(motion, joints_mm=joints))
    assert np.abs(found.speed_mm_s).max() < 1.2 * np.abs(TRUE).max()
    assert abs(np.corrcoef(found.speed_mm_s, TRUE)[0, 1]) > 0.98


@pytest.mark.filterwarnings("error::RuntimeWarning")
def test_a_left_hand_that_is_never_seen_leaves_the_shoulder():
    motion = motion_of_take(TAKE, **NO_MARKERS)
    joints = motion.joints_mm.copy()
    joints[:, JOINT_INDEX["left_wrist"]] = np.nan
    found = bowing_of(replace(motion, joints_mm=joints))
    np.testing.assert_allclose(found.place_mm, joints[:, JOINT_INDEX["left_shoulder"]].mean(axis=0))


@pytest.mark.filterwarnings("error::RuntimeWarning")
def test_without_frames_there_is_no_bow():
    markers = {label: track[:0] for label, track in MOTION.markers.items()}
    assert bowing_of(replace(MOTION, joints_mm=MOTION.joints_mm[:0], markers=markers)) is None


@pytest.mark.parametrize("lost", ["VIO3", "BOW3"])
def test_a_marker_that_fell_off_is_not_missed_where_the_others_do(lost):
    motion = motion_of_take(TAKE, violin=("VIO1", "VIO2", "VIO3", "VIO4"))
    markers = {**motion.markers, "BOW3": motion.markers["BOW2"] * 1.05 - motion.markers["BOW1"] * 0.05}
    motion = replace(motion, markers=markers, bow=("BOW1", "BOW2", "BOW3"))
    found = bowing_of(with_gaps(motion, {lost: slice(45, None)}))
    assert found.from_markers


def test_the_take_is_what_it_says():
    """The strokes that all of this rests on."""
    assert isinstance(TAKE, Take)
    turns = np.flatnonzero(np.diff(np.sign(TRUE[np.abs(TRUE) > 20])) != 0)
    assert 10 < len(turns) < 50
    assert 200 < np.abs(TRUE).max() < 800
