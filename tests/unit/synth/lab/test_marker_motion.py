"""Skin moves as the table says, smoothly, not at all in the neutral posture, and never on the instrument."""

from __future__ import annotations

import numpy as np
import pytest

from tests.unit.synth.lab.test_marker_set import X, Y, Z, anatomies, posed, turn
from viodat.synth.lab.marker_motion import TISSUES, MarkerMotion, Skin, draw_skin, marker_motion, twist_rad
from viodat.synth.lab.marker_set import MARKERS, Placement, labels_of, place
from viodat.synth.player.anatomy import Anatomy
from viodat.synth.player.body import Body
from viodat.synth.vectors import FloatArray

INDEX = {marker.label: i for i, marker in enumerate(MARKERS)}
STATIC = labels_of("static")


def dressed(anatomy: Anatomy, seed: int = 0) -> tuple[Placement, Skin]:
    rng = np.random.default_rng(seed)
    placement = place(anatomy, rng)
    return placement, draw_skin(placement, rng)


def local(body: Body, motion: MarkerMotion, label: str) -> FloatArray:
    """(T, 3) a marker in its segment's frame."""
    frame = body.segments[MARKERS[INDEX[label]].segment]
    return np.einsum("tij,ti->tj", frame.axes, motion.positions[:, motion.labels.index(label)] - frame.origin)


def moving(degrees: FloatArray, axis: FloatArray) -> FloatArray:
    return np.stack([turn(axis, float(angle)) for angle in degrees])


def test_skin_is_at_home_in_the_neutral_posture() -> None:
    anatomy = anatomies(1)[0]
    placement, skin = dressed(anatomy)
    body = posed(anatomy)
    motion = marker_motion(body, placement, skin, STATIC)
    for label in STATIC:
        np.testing.assert_allclose(local(body, motion, label)[0], placement.places[INDEX[label]], atol=1e-9)


def test_markers_of_the_instrument_are_rigid() -> None:
    anatomy = anatomies(1)[0]
    times = np.arange(200) / 100
    body = posed(anatomy, {"thorax": moving(20 * np.sin(12 * times), X)}, times, instrument=True)
    motion = marker_motion(body, *dressed(anatomy), labels_of("take"))
    for segment in ("violin", "bow"):
        own = [motion.labels.index(m.label) for m in MARKERS if m.segment == segment]
        apart = np.linalg.norm(motion.positions[:, own, None] - motion.positions[:, None, own], axis=-1)
        np.testing.assert_allclose(apart, np.broadcast_to(apart[0], apart.shape), atol=1e-9)


@pytest.mark.parametrize("side", ["left", "right"])
def test_skin_of_the_upper_arm_lags_behind_axial_rotation(side: str) -> None:
    anatomy = anatomies(1)[0]
    placement, skin = dressed(anatomy)
    body = posed(anatomy, {f"{side}_upper_arm": turn(Z, 60.0)})
    np.testing.assert_allclose(np.rad2deg(twist_rad(body, f"{side}_upper_arm", f"{side}_clavicle")), 60.0)
    motion = marker_motion(body, placement, skin, STATIC)

    def followed(stem: str) -> float:
        label = side[0].upper() + stem
        was, now = placement.places[INDEX[label]], local(body, motion, label)[0]
        lag = np.angle(complex(now[0], now[1]) / complex(was[0], was[1]), deg=True)
        assert now[2] == pytest.approx(was[2])
        return 1 + float(lag) / 60

    high, middle, low, elbow = (followed(stem) for stem in ("UPB", "UPA", "UPC", "ELB"))
    assert 0.55 < high < middle < low < 0.8
    assert elbow == pytest.approx(TISSUES["elbow"].follows[1], abs=0.01)


def test_skin_of_the_forearm_takes_part_in_pronation_more_near_the_wrist() -> None:
    anatomy = anatomies(1)[0]
    placement, skin = dressed(anatomy)
    body = posed(anatomy, {"right_radius": turn(Z, 80.0)})
    motion = marker_motion(body, placement, skin, STATIC)

    def turned(label: str) -> float:
        was, now = placement.places[INDEX[label]], local(body, motion, label)[0]
        return float(np.angle(complex(now[0], now[1]) / complex(was[0], was[1]), deg=True))

    assert 5 < turned("RFRB") < turned("RFRC") < turned("RFRM") < 0.65 * 80
    assert turned("RWRA") == pytest.approx(-0.05 * 80, abs=0.5)
    assert turned("LFRM") == pytest.approx(0.0, abs=1e-9)


@pytest.mark.parametrize(
    ("bent", "axis", "degrees", "label", "size"),
    [
        ("left_shank", Y, 90.0, "LTHI", TISSUES["thigh"].below_mm),
        ("left_shank", Y, 90.0, "LTHF", TISSUES["thigh"].below_mm),
        ("right_shank", Y, 90.0, "RKNE", TISSUES["knee"].below_mm),
        ("right_forearm", Y, -90.0, "RUPA", TISSUES["upper arm"].below_mm),
        ("left_forearm", Y, -90.0, "LELB", TISSUES["elbow"].below_mm),
        ("left_hand", X, 90.0, "LPNK", TISSUES["hand"].above_mm),
    ],
)
def test_sliding_is_of_the_table_s_size(bent: str, axis: FloatArray, degrees: float, label: str, size: float) -> None:
    anatomy, rng = anatomies(1)[0], np.random.default_rng(5)
    body = posed(anatomy, {bent: turn(axis, degrees)}, np.zeros(1))
    placement = place(anatomy, rng)
    squares = []
    for _ in range(400):
        motion = marker_motion(body, placement, draw_skin(placement, rng), (label,), wobble=False)
        squares.append(np.sum((local(body, motion, label)[0] - placement.places[INDEX[label]]) ** 2))
    assert np.sqrt(np.mean(squares)) == pytest.approx(size, rel=0.2)


def test_thigh_is_worst_of_the_leg_and_upper_arm_of_the_arm() -> None:
    def most(name: str) -> float:
        return max(TISSUES[name].above_mm, TISSUES[name].below_mm)

    assert all(most(name) < most("thigh") for name in ("knee", "shank", "ankle", "foot", "pelvis"))
    assert all(most(name) < most("upper arm") for name in ("elbow", "forearm", "wrist", "hand", "finger", "shoulder"))
    assert most("hand") <= 2.0


def test_posture_alone_decides_without_wobble_and_the_world_does_not_matter() -> None:
    anatomy = anatomies(1)[0]
    placement, skin = dressed(anatomy)
    turns = {"left_forearm": turn(Y, -80.0), "right_thigh": turn(X, -20.0), "left_upper_arm": turn(Y, -50.0)}
    here = posed(anatomy, turns)
    there = posed(anatomy, {**turns, "pelvis": turn(Z, 130.0) @ turn(X, 10.0)})
    for label in ("LUPA", "LFRB", "RTHI", "LSHO", "C7", "LASI"):
        a, b = (local(body, marker_motion(body, placement, skin, STATIC), label) for body in (here, there))
        np.testing.assert_allclose(a, b, atol=1e-8)


def test_sliding_is_smooth() -> None:
    anatomy = anatomies(1)[0]
    placement, skin = dressed(anatomy)
    jumps = []
    for step in (4e-3, 2e-3):
        times = np.arange(0, 1, step)
        body = posed(
            anatomy,
            {
                "left_forearm": moving(-60 - 50 * np.sin(6 * times), Y),
                "left_upper_arm": moving(90 * np.sin(5 * times), Z) @ turn(Y, -60.0),
                "left_radius": moving(80 * np.sin(7 * times), Z),
            },
            times,
        )
        motion = marker_motion(body, placement, skin, ("LUPA", "LFRM", "LELB", "LSHO", "LWRA"), wobble=False)
        second = np.diff(motion.positions, 2, axis=0) / step**2
        jumps.append(np.abs(np.diff(second, axis=0)).max())
    # A continuous second derivative changes half as much over half the step.
    assert jumps[1] < 0.6 * jumps[0]


def test_wobble_settles_where_a_spring_would_and_rings_at_its_own_frequency() -> None:
    anatomy = anatomies(1)[0]
    placement, skin = dressed(anatomy)
    times = np.arange(300) / 100
    body = posed(anatomy, None, times)
    pushed = 5000.0 * np.clip(times - 1, 0, None) ** 2 / 2
    shifted = {
        name: type(frame)(frame.origin + np.outer(pushed, X), frame.axes) for name, frame in body.segments.items()
    }
    accelerated = Body(times, shifted, body.joints, {})
    motion = marker_motion(accelerated, placement, skin, ("LTHI", "RUPA", "LFHD"))
    for label, tissue in (("LTHI", TISSUES["thigh"]), ("RUPA", TISSUES["upper arm"])):
        moved = local(accelerated, motion, label)[:, 0] - placement.places[INDEX[label]][0]
        spring = -tissue.loose * 5000.0 / (2 * np.pi * tissue.natural_hz) ** 2
        assert np.abs(moved[:95]).max() < 1e-6
        assert moved[-20:].mean() == pytest.approx(spring, rel=0.02)
        overshoot = moved[95:].min() / spring
        expected = 1 + np.exp(-np.pi * tissue.damping / np.sqrt(1 - tissue.damping**2))
        assert overshoot == pytest.approx(expected, rel=0.1)


def test_fast_strokes_shake_the_arm_by_millimetres() -> None:
    anatomy = anatomies(1)[0]
    placement, skin = dressed(anatomy)
    times = np.arange(400) / 100
    # ± 60 mm at the wrist, 4 times per second: 38 m/s² there.
    body = posed(anatomy, {"right_forearm": moving(-90 + 13 * np.sin(8 * np.pi * times), Y)}, times)
    labels = ("RFRM", "RWRA", "RFIN", "RTHI")
    with_it, without = (marker_motion(body, placement, skin, labels, wobble=w).positions for w in (True, False))
    peak = np.linalg.norm(with_it - without, axis=-1).max(axis=0)
    assert 0.3 < peak[0] < 3.0
    assert peak[2] < 1.5
    assert peak[3] == pytest.approx(0.0, abs=1e-9)


def test_people_differ_and_a_session_does_not() -> None:
    anatomy = anatomies(1)[0]
    placement, _ = dressed(anatomy)
    one, again, other = (draw_skin(placement, np.random.default_rng(seed)) for seed in (1, 1, 2))
    body = posed(anatomy, {"left_shank": turn(Y, 60.0)})
    a, b, c = (marker_motion(body, placement, skin, ("LTHI",)).positions for skin in (one, again, other))
    np.testing.assert_array_equal(a, b)
    assert np.linalg.norm(a - c, axis=-1).max() > 1.0


def test_unknown_labels_are_refused() -> None:
    anatomy = anatomies(1)[0]
    with pytest.raises(ValueError, match="NOSE"):
        marker_motion(posed(anatomy), *dressed(anatomy), ("LASI", "NOSE"))
