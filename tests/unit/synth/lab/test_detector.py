from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from viodat.joints import JOINT_INDEX, JOINTS
from viodat.synth.lab.cameras import set_up_room
from viodat.synth.lab.detector import LANDMARK_ERRORS, Detector, LandmarkError, anchors, detect, hidden_share
from viodat.synth.lab.keypoints import LANDMARKS
from viodat.synth.player.body import SEGMENTS, Body, Frame
from viodat.synth.vectors import turned

NOTHING = LandmarkError((0.0, 0.0, 0.0), 0.0, 0.0, 0.3, 0.0, 0.0, 1.0, 3.0, 0.0, 0.0)
EXACT = Detector(dict.fromkeys(LANDMARKS, NOTHING), swapped_front=0.0, swapped_side=0.0, missed=0.0)
TIMES = np.arange(240) / 30
LEFT_WRIST, RIGHT_WRIST = LANDMARKS.index("left_wrist"), LANDMARKS.index("right_wrist")
OF_JOINT = [LANDMARKS.index(name.replace("pelvis", "hip") if name.endswith("pelvis") else name) for name in JOINTS]
# A player of 1.70 m in an upright posture with both forearms raised, mm.
PLACES = {
    "ankle": (0, 110, 80),
    "knee": (0, 105, 480),
    "pelvis": (0, 90, 900),
    "shoulder": (-40, 175, 1390),
    "elbow": (60, 260, 1130),
    "wrist": (280, 150, 1210),
    "index": (360, 130, 1220),
    "pinky": (350, 120, 1180),
    "thumb": (330, 100, 1230),
}


def body_at(times_s, turn_rad=0.0, speed_mm_s=0.0):
    """The same posture at all times, turned about the vertical, going upwards."""
    times_s = np.asarray(times_s, float)
    count = len(times_s)
    joints = np.zeros((count, 18, 3))
    for name, index in JOINT_INDEX.items():
        side, _, part = name.partition("_")
        joints[:, index] = np.array(PLACES[part]) * (1, 1 if side == "left" else -1, 1)
    spun = turned(np.full(count, turn_rad), np.zeros(count), np.zeros(count))
    joints = np.einsum("tij,tnj->tni", spun, joints)
    rise = speed_mm_s * times_s[:, None] * [0, 0, 1.0]
    joints += rise[:, None]
    origins = {"head": (0, 0, 1590), "thorax": (10, 0, 1400), "pelvis": (0, 0, 900)}
    segments = {}
    for name in SEGMENTS:
        if name in ("violin", "bow"):
            continue
        at = np.array(origins.get(name, (0, 110 if name.startswith("left") else -110, 80)), float)
        segments[name] = Frame(np.einsum("tij,j->ti", spun, at) + rise, spun)
    return Body(times_s, segments, joints, {})


@pytest.fixture(scope="module")
def front():
    return set_up_room(1700.0, np.random.default_rng(1))[0]


def found(camera, detector, seed=1, times=TIMES, readout=0.0, **posture):
    return detect(lambda t: body_at(t, **posture), camera, times, readout, 1.0, np.random.default_rng(seed), detector)


def with_landmarks(**changes):
    return replace(EXACT, landmarks=dict.fromkeys(LANDMARKS, replace(NOTHING, **changes)))


def error_mm(camera, detections, times=TIMES):
    body = body_at(times)
    points, _ = anchors(body)
    return (detections.px - camera.project(points)) / (camera.matrix[0, 0] / camera.depth(points))[..., None]


def test_without_errors_it_finds_the_projected_joints(front):
    detections = found(front, EXACT, times=TIMES[:5])
    expected = front.project(body_at(TIMES[:5]).joints)
    assert np.abs(detections.px[:, OF_JOINT] - expected).max() < 1e-6


def test_rows_are_seen_when_they_are_read_out(front):
    """Feet at the picture's bottom are seen later than the head: all go up, so feet move up by more."""
    readout, speed = 0.020, 500.0
    still = found(front, EXACT, times=TIMES[:1]).px[0]
    moving = found(front, EXACT, times=TIMES[:1], readout=readout, speed_mm_s=speed).px[0]
    late_s = readout * (still[:, 1] / (front.size[1] - 1) - 0.5)
    points = anchors(body_at(TIMES[:1]))[0][0]
    expected = front.project(points + speed * late_s[:, None] * [0, 0, 1.0])
    assert np.abs(moving - expected).max() < 0.05
    assert np.abs(moving - still).max() > 1.0


def test_offsets_turn_with_the_body(front):
    ahead = found(front, with_landmarks(offset_mm=(30.0, 0.0, 0.0)), times=TIMES[:1], turn_rad=np.pi / 2).px[0]
    exact = found(front, EXACT, times=TIMES[:1], turn_rad=np.pi / 2).px[0]
    # Turned by 90 degrees to the left, forward is +Y, which the front camera sees on its right.
    shift = ahead - exact
    px_per_mm = front.matrix[0, 0] / front.depth(anchors(body_at(TIMES[:1], np.pi / 2))[0][0])
    assert shift[:, 0] == pytest.approx(30.0 * px_per_mm, rel=0.1)
    assert np.abs(shift[:, 1]).max() < 1.5


@pytest.mark.parametrize("rate_hz", [30, 60])
def test_drift_persists_in_seconds_at_any_rate(front, rate_hz):
    times = np.arange(20 * rate_hz) / rate_hz
    detector = with_landmarks(drift_mm=10.0, drift_s=0.4)
    lag = round(0.4 * rate_hz)
    error = error_mm(front, found(front, detector, times=times), times)
    assert error.std() == pytest.approx(10.0, rel=0.12)
    kept = (error[lag:] * error[:-lag]).mean() / (error**2).mean()
    assert kept == pytest.approx(np.exp(-1), abs=0.1)


def test_place_stays_and_jitter_does_not(front):
    place = error_mm(front, found(front, with_landmarks(place_mm=10.0)))
    assert np.ptp(place, axis=0).max() < 1e-6
    assert 6.0 < place[0].std() < 14.0
    jitter = error_mm(front, found(front, with_landmarks(jitter_mm=4.0)))
    assert jitter.std() == pytest.approx(4.0, rel=0.05)
    assert abs((jitter[1:] * jitter[:-1]).mean() / (jitter**2).mean()) < 0.05


def test_jitter_grows_with_speed(front):
    detector = with_landmarks(jitter_mm=4.0)
    times = TIMES[:300]
    slow, fast = (
        found(front, detector, times=times).px - found(front, EXACT, times=times).px,
        found(front, detector, times=times, speed_mm_s=2.0 * detector.fast_mm_s).px
        - found(front, EXACT, times=times, speed_mm_s=2.0 * detector.fast_mm_s).px,
    )
    # The player rises and comes no nearer; px per mm changes by less than 5 % over most of the way.
    first = slice(0, 30)
    assert fast[first].std() / slow[first].std() == pytest.approx(np.sqrt(5), rel=0.2)


def test_errors_shrink_with_distance(front):
    far = replace(front, translation=front.translation + np.array([0, 0, front.depth(np.array([0.0, 0, 1000.0]))]))
    detector = with_landmarks(jitter_mm=4.0)
    near_px, far_px = ((found(camera, detector).px - found(camera, EXACT).px).std() for camera in (front, far))
    assert far_px / near_px == pytest.approx(0.5, rel=0.1)


def test_what_trunk_and_arm_hide_is_hidden():
    body = body_at(np.zeros(1))
    points, _ = anchors(body)
    ahead = hidden_share(body, np.array([3000.0, 0, 1300]), points, 1.0)[0]
    behind = hidden_share(body, np.array([-3000.0, 0, 1300]), points, 1.0)[0]
    right = hidden_share(body, np.array([0.0, -3000, 1100]), points, 1.0)[0]
    assert ahead[[LEFT_WRIST, RIGHT_WRIST]] == pytest.approx(0)
    assert behind[[LEFT_WRIST, RIGHT_WRIST]] == pytest.approx(1)
    far_leg = [LANDMARKS.index(f"left_{name}") for name in ("knee", "ankle")]
    assert right[far_leg] == pytest.approx(1)
    assert right[[LANDMARKS.index(f"right_{name}") for name in ("knee", "ankle", "shoulder", "hip")]] == pytest.approx(
        0
    )


def test_hidden_landmarks_err_more_and_are_less_sure(front):
    hidden = with_landmarks(jitter_mm=4.0, hidden=3.0, sure_hidden=-3.0)
    seen = found(front, hidden)
    covered = found(front, hidden, turn_rad=np.pi)
    exact = found(front, EXACT, turn_rad=np.pi)
    ratio = (covered.px - exact.px)[:, RIGHT_WRIST].std() / (seen.px - found(front, EXACT).px)[:, RIGHT_WRIST].std()
    assert ratio == pytest.approx(3.0, rel=0.25)
    assert np.median(covered.confidence[:, RIGHT_WRIST]) < np.median(seen.confidence[:, RIGHT_WRIST]) - 0.3


def test_confidence_falls_with_the_error(front):
    detector = with_landmarks(drift_mm=30.0, drift_s=0.2, sure=2.0, sure_error=-1.0)
    detections = found(front, detector)
    size = np.linalg.norm(error_mm(front, detections), axis=-1).ravel()
    confidence = detections.confidence.ravel()
    order = np.argsort(size)
    quarters = [np.median(part) for part in np.array_split(confidence[order], 4)]
    assert quarters == sorted(quarters, reverse=True)
    assert quarters[0] - quarters[-1] > 0.1


def test_sides_are_swapped_in_stretches_and_more_from_the_side():
    cameras = {camera.name: camera for camera in set_up_room(1700.0, np.random.default_rng(1))}
    detector = replace(EXACT, swapped_front=0.02, swapped_side=0.3, swapped_s=0.5)
    times = np.arange(2400) / 10
    share = {}
    for name in ("C01", "C08"):
        detections = found(cameras[name], detector, times=times)
        share[name] = detections.swapped.mean()
        straight = found(cameras[name], EXACT, times=times[:1]).px[0]
        legs = detections.swapped[:, 1]
        knee = [LANDMARKS.index("left_knee"), LANDMARKS.index("right_knee")]
        assert np.allclose(detections.px[legs][:, knee], straight[knee[::-1]])
        assert np.allclose(detections.px[~legs][:, knee], straight[knee])
    assert share["C01"] < 0.08
    assert 0.2 < share["C08"] < 0.4
    starts = np.sum(np.diff(detections.swapped[:, 0].astype(int)) == 1)
    assert detections.swapped[:, 0].sum() / 10 / starts == pytest.approx(0.5, rel=0.35)


def test_missed_frames_have_nothing(front):
    detections = found(front, replace(EXACT, missed=0.2, missed_s=0.3))
    missed = np.isnan(detections.px).all(axis=(1, 2))
    assert 0.05 < missed.mean() < 0.4
    assert (detections.confidence[missed] == 0).all()
    assert np.isfinite(detections.px[~missed]).all()
    assert (detections.confidence[~missed] > 0).all()


def test_same_seed_same_detections(front):
    one, same, other = (found(front, None, seed=seed, times=TIMES[:50]) for seed in (4, 4, 5))
    assert np.array_equal(one.px, same.px, equal_nan=True)
    assert np.array_equal(one.confidence, same.confidence)
    assert not np.array_equal(one.px, other.px, equal_nan=True)


def test_the_fitted_table_is_that_of_a_detector():
    assert tuple(LANDMARK_ERRORS) == LANDMARKS
    for name, row in LANDMARK_ERRORS.items():
        positive = (row.place_mm, row.drift_mm, row.drift_s, row.jitter_mm)
        assert min(positive) > 0, name
        assert row.hidden >= 1, name
        assert row.sure_hidden <= 0, name
        assert row.sure_error <= 0, name
    # The foot's landmark is its tip, the nose lies before the ears.
    assert LANDMARK_ERRORS["left_foot_index"].offset_mm[0] > 100
    assert LANDMARK_ERRORS["nose"].offset_mm[0] > 60


def test_fitted_errors_are_of_a_detectors_size(front):
    error = np.concatenate(
        [error_mm(front, found(front, None, seed=seed, times=TIMES[::10]), TIMES[::10]) for seed in range(6)]
    )
    legs = [LANDMARKS.index(f"{side}_{name}") for side in ("left", "right") for name in ("knee", "ankle")]
    typical = np.nanmedian(np.linalg.norm(error[:, legs], axis=-1))
    assert 5.0 < typical < 40.0
