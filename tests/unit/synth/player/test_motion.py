"""The player's bones keep their length, the movement is smooth, and the hands are where the music needs them."""

from __future__ import annotations

import numpy as np
import pytest

from tests.unit.synth.player.bodies import PEOPLE, SECONDS, anatomy, body, bones, control, jumps, playing
from viodat.synth.music.violin import STRINGS
from viodat.synth.picture.instrument import string_at
from viodat.synth.player.angles import LIMITS_DEG
from viodat.synth.player.body import FINGERS, SEGMENTS, Body, Frame
from viodat.synth.player.hold import grip_in_hand, grip_on_bow
from viodat.synth.player.kinematics import seen_from
from viodat.synth.player.motion import JOIN_S, joined, playing_motion

TIMES = np.arange(0.0, SECONDS, 0.01)
# Middle and half sizes of the violin's three bouts in its own frame, of a full-size one, as it is drawn.
_BOUTS = (((88, 0, 19), (88, 103, 27)), ((182, 0, 19), (100, 56, 27)), ((277, 0, 19), (79, 84, 27)))
_SKULL = (((0, 0, 22), (97, 77, 92)), ((18, 0, -30), (76, 66, 84)))


def _local(frame: Frame, points: np.ndarray) -> np.ndarray:
    """World points (T, N, 3) in a frame."""
    return np.einsum("tji,tnj->tni", frame.axes, points - frame.origin[:, None])


def _inside(points: np.ndarray, solids: tuple, scale: float) -> float:
    """Least distance of points (T, N, 3) from the middles of ellipsoids, as a share of their size."""
    return min(
        float(np.linalg.norm((points / scale - np.array(middle)) / np.array(half), axis=-1).min())
        for middle, half in solids
    )


@pytest.mark.parametrize("who", PEOPLE)
def test_bones_keep_their_length_to_a_millionth_of_a_millimetre(who: str) -> None:
    lengths = bones(body(who))
    assert len(lengths) == 33
    assert max(np.ptp(mm) for mm in lengths.values()) < 1e-6
    assert lengths["left_elbow-left_wrist"][0] == pytest.approx(anatomy(who).bones["left_forearm"], abs=1e-6)


@pytest.mark.parametrize("who", PEOPLE)
def test_every_segment_is_a_rotation_and_all_is_finite(who: str) -> None:
    of = body(who)
    assert set(of.segments) == set(SEGMENTS)
    assert np.isfinite(of.joints).all()
    for name, frame in of.segments.items():
        assert np.allclose(np.swapaxes(frame.axes, -1, -2) @ frame.axes, np.eye(3), atol=1e-9), name
        assert np.allclose(np.linalg.det(frame.axes), 1.0), name


@pytest.mark.parametrize("who", PEOPLE)
def test_joints_stay_within_their_limits(who: str) -> None:
    for name, angle in body(who).angles_rad.items():
        limits = LIMITS_DEG.get(name.removeprefix("left_").removeprefix("right_"))
        if limits is not None:
            assert limits[0] <= np.rad2deg(angle.min()), name
            assert np.rad2deg(angle.max()) <= limits[1], name


@pytest.mark.parametrize("who", PEOPLE)
def test_acceleration_has_no_jumps(who: str) -> None:
    # Where acceleration is continuous, its change per step shrinks with the step; a jump would not.
    onset = control(who).curves.performance.notes[1].onset_s
    coarse, fine = (jumps(playing(who), onset - 0.4, 0.8, step) for step in (1e-4, 2.5e-5))
    assert fine < 0.4 * coarse


def test_times_may_come_in_any_order_and_at_any_spacing() -> None:
    rng = np.random.default_rng(0)
    times = rng.uniform(-2.0, SECONDS + 2.0, 200)
    order = rng.permutation(200)
    one, other = playing("P05").at(times), playing("P05").at(times[order])
    assert np.array_equal(one.joints[order], other.joints)
    alone = playing("P05").at(times[:1])
    assert np.allclose(alone.joints[0], one.joints[0], atol=1e-9)


def test_the_same_seed_gives_the_same_motion_and_another_seed_another_one() -> None:
    def joints(seed: int) -> np.ndarray:
        motion = playing_motion(anatomy("P08"), control("P08"), np.random.default_rng(seed))
        return motion.at(TIMES[:50]).joints

    assert np.array_equal(joints(1), joints(1))
    assert np.abs(joints(1) - joints(2)).max() > 1.0


def test_the_music_may_start_later_on_the_mocap_clock() -> None:
    rng = (np.random.default_rng(5), np.random.default_rng(5))
    now = playing_motion(anatomy("P05"), control("P05"), rng[0])
    later = playing_motion(anatomy("P05"), control("P05"), rng[1], now.hold, start_s=3.0)
    bow = [seen_from(b.segments["violin"], b.segments["bow"]) for b in (now.at(TIMES), later.at(TIMES + 3.0))]
    assert np.allclose(bow[0].origin, bow[1].origin, atol=1e-9)


@pytest.mark.parametrize("who", PEOPLE)
def test_the_hair_is_on_the_string_while_a_note_sounds(who: str) -> None:
    of, told = body(who), control(who).at(TIMES)
    performance, scale = control(who).curves.performance, anatomy(who).violin_scale
    off = []
    for i, _ in enumerate(STRINGS):
        # Well within a note the bow is on its own string.
        notes = [n for n in performance.notes if n.string == STRINGS[i] and n.duration_s > 0.4]
        for note in notes:
            now = np.searchsorted(TIMES, note.onset_s + note.duration_s / 2)
            place = string_at(i, performance.player.string_mm - told.bridge_mm[now], scale)
            point = (of.segments["violin"].origin + of.segments["violin"].axes @ place)[now]
            bow = of.segments["bow"]
            x, y, z = bow.axes[now].T @ (point - bow.origin[now])
            off.append(np.hypot(y, z))
            assert x == pytest.approx(told.bow_mm[now], abs=5.0)
    assert len(off) >= 2
    assert max(off) < 1.0


@pytest.mark.parametrize("who", PEOPLE)
def test_bow_and_violin_and_head_do_not_pass_through_each_other(who: str) -> None:
    of, scale = body(who), anatomy(who).violin_scale
    x = np.linspace(-46.0, 650.0, 60)
    stick = np.stack([x, 0 * x, 21 - 12 * np.sin(np.pi * np.clip(x / 650, 0, 1))], axis=-1)
    hair = np.stack([x, 0 * x, 0 * x], axis=-1)[5:]
    bow = of.segments["bow"].points(scale * np.concatenate([stick, hair]))
    # 5 mm deep in a shell of 27 mm half height.
    assert _inside(_local(of.segments["violin"], bow), _BOUTS, scale) > 1 - 5 / 27
    head = anatomy(who).bones["head_height"] / 221
    assert _inside(_local(of.segments["head"], bow), _SKULL, head) > 1.2
    around = np.linspace(0, 2 * np.pi, 30)
    ring = [(88 + 80 * np.cos(a), 95 * np.sin(a), z) for a in around for z in (5, 38)]
    violin = of.segments["violin"].points(scale * np.array(ring))
    assert _inside(_local(of.segments["head"], violin), _SKULL, head) > 0.95


@pytest.mark.parametrize("who", PEOPLE)
def test_elbows_and_wrists_stay_out_of_the_trunk(who: str) -> None:
    s = anatomy(who).scale
    chest = ((-50, 0, -250), (104, 148, 260))
    for joint in ("left_elbow", "right_elbow", "left_wrist", "right_wrist"):
        at = _local(body(who).segments["thorax"], body(who).joint(joint)[:, None])
        assert _inside(at, (chest,), s) > 1.15, joint


@pytest.mark.parametrize("who", PEOPLE)
def test_the_right_hand_holds_the_bow(who: str) -> None:
    of, motion = body(who), playing(who)
    held = of.segments["bow"].point(grip_on_bow(motion.hold, motion.scale))
    hand = of.segments["right_hand"].point(grip_in_hand(anatomy(who)))
    # Out of reach, the arm would let the bow go.
    assert np.abs(held - hand).max() < 1e-6


@pytest.mark.parametrize("who", ["P05", "P15"])
def test_fingertips_stop_the_string_where_the_pitch_is(who: str) -> None:
    of, told = body(who), control(who).at(TIMES)
    performance, scale = control(who).curves.performance, anatomy(who).violin_scale
    checked = 0
    for note in performance.notes:
        if note.finger == 0 or note.duration_s < 0.4:
            continue
        now = np.searchsorted(TIMES, note.onset_s + 0.6 * note.duration_s)
        stop = string_at(STRINGS.index(note.string), told.stop_mm[now], scale)
        violin, name = of.segments["violin"], f"left_{FINGERS[note.finger - 1]}_distal"
        target = violin.origin[now] + violin.axes[now] @ stop
        tip = of.segments[name].point([0.0, 0.0, -anatomy(who).bones[name]])[now]
        # The pad is 5.5 mm thick.
        assert np.linalg.norm(tip - target) < 9.0
        checked += 1
    assert checked > 5


def test_vibrato_moves_the_left_hand_and_not_the_right_one() -> None:
    performance = control("P05").curves.performance
    notes = [n for n in performance.notes if np.isfinite(n.vibrato_hz)]
    assert notes, "the take has no vibrato: choose another seed"
    note = max(notes, key=lambda n: n.duration_s)
    times = np.arange(note.onset_s + 0.25, note.offset_s - 0.12, 0.005)
    of = playing("P05").at(times)
    along = seen_from(of.segments["violin"], Frame(of.joint("left_index"), of.segments["violin"].axes)).origin[:, 0]
    assert 3.0 < np.ptp(along) < 25.0
    crossings = np.sum(np.diff(np.sign(along - along.mean())) != 0) / 2 / (times[-1] - times[0])
    assert crossings == pytest.approx(note.vibrato_hz, abs=1.2)


@pytest.mark.parametrize("who", PEOPLE)
def test_the_feet_stand_still_and_the_body_sways_slowly(who: str) -> None:
    times = np.arange(0.0, 60.0, 0.05)
    of: Body = playing(who).at(times)
    for side in ("left", "right"):
        assert np.ptp(of.joint(f"{side}_ankle"), axis=0).max() < 1e-6
        assert np.rad2deg(of.angles_rad[f"{side}_knee_flexion"].min()) > 5.0
    root = (of.joint("left_pelvis") + of.joint("right_pelvis")) / 2
    for axis in (0, 1):
        sway = root[:, axis] - root[:, axis].mean()
        power = np.abs(np.fft.rfft(sway * np.hanning(len(sway)))) ** 2
        hz = np.fft.rfftfreq(len(sway), 0.05)
        assert power[hz < 0.5].sum() > 0.8 * power.sum()
        assert 1.5 * anatomy(who).scale < sway.std() < 20.0


def _other(who: str, start_s: float):
    """Another take of the same player in the same hold."""
    of = playing(who)
    return playing_motion(anatomy(who), control(who), np.random.default_rng(6), of.hold, start_s=start_s)


@pytest.mark.parametrize("start_s", [-SECONDS - JOIN_S, SECONDS + JOIN_S])
def test_joined_takes_are_themselves_and_lead_smoothly_from_one_to_the_other(start_s: float) -> None:
    who = PEOPLE[0]
    own, other = playing(who), _other(who, start_s)
    change_s = -JOIN_S if start_s < 0 else SECONDS
    both = joined(own, other, change_s)
    np.testing.assert_allclose(both.at(TIMES).joints, own.at(TIMES).joints, atol=1e-9)
    bow = [of.at(start_s + TIMES).segments for of in (both, other)]
    seen = [_local(of["violin"], of["bow"].origin[:, None]) for of in bow]
    np.testing.assert_allclose(seen[0], seen[1], atol=1e-6, err_msg="the bow on the strings is the other take's")
    whole = min(start_s, 0.0) + np.arange(0.0, 2 * SECONDS + JOIN_S, 0.01)
    speed = np.linalg.norm(np.diff(both.at(whole).joints, axis=0), axis=-1) / 0.01
    assert speed.max() < 2_500, "mm/s: nobody is elsewhere at once"
    coarse, fine = (jumps(both, change_s + 0.02, JOIN_S - 0.04, step) for step in (0.004, 0.001))
    assert fine < 0.5 * coarse, "accelerations do not jump"
