"""Gaps follow from geometry, noise is what it says, and every swap and ghost is known."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

from tests.unit.synth.lab.test_marker_set import X, Y, Z, anatomies, posed, turn
from viodat.synth.lab import visibility
from viodat.synth.lab.c3d import MarkerRecording
from viodat.synth.lab.marker_motion import MarkerMotion, draw_skin, marker_motion
from viodat.synth.lab.marker_set import MARKERS, labels_of, place
from viodat.synth.lab.visibility import CAMERAS_MM, CAMERAS_NEEDED, NOISE_MM, Chair, cameras_seeing, record_markers
from viodat.synth.player.anatomy import Anatomy
from viodat.synth.player.body import Body
from viodat.synth.vectors import FloatArray

SECONDS = 8.0


def playing(anatomy: Anatomy, seconds: float = SECONDS) -> Body:
    """Stand someone up who moves the right arm as if bowing, the left one at the neck, roughly."""
    times = np.arange(round(100 * seconds)) / 100
    swing = np.sin(2 * np.pi * 0.7 * times)
    elbow = np.stack([turn(Y, -85 - 30 * s) for s in swing])
    turns = {
        "right_upper_arm": turn(X, -30.0) @ turn(Y, -55.0) @ turn(Z, 40.0),
        "right_forearm": elbow,
        "left_upper_arm": turn(Y, -45.0) @ turn(Z, 60.0),
        "left_forearm": turn(Y, -100.0),
        "left_radius": turn(Z, 90.0),
    }
    return posed(anatomy, turns, times, instrument=True)


@cache
def recorded(seed: int = 0, seconds: float = SECONDS) -> tuple[Body, Anatomy, MarkerRecording]:
    anatomy = anatomies(12)[seed % 12]
    rng = np.random.default_rng(seed)
    placement = place(anatomy, rng)
    body = playing(anatomy, seconds)
    motion = marker_motion(body, placement, draw_skin(placement, rng), labels_of("take"))
    return body, anatomy, record_markers(body, anatomy, motion, rng, chair=Chair())


def count(anatomy: Anatomy, body: Body, chair: Chair | None = None, seed: int = 0) -> dict[str, int]:
    rng = np.random.default_rng(seed)
    placement = place(anatomy, rng)
    kind = "take" if body.plays else "static"
    motion = marker_motion(body, placement, draw_skin(placement, rng), labels_of(kind), wobble=False)
    return dict(zip(motion.labels, cameras_seeing(body, anatomy, motion, chair)[0].tolist(), strict=True))


def alone(points: FloatArray) -> tuple[Body, Anatomy, MarkerMotion]:
    """Put free markers far above a standing body, where nothing hides them."""
    anatomy = anatomies(1)[0]
    labels = tuple(m.label for m in MARKERS if m.segment == "violin")[: len(points)]
    positions = np.tile(points, (2, 1, 1))
    return (
        posed(anatomy, times_s=np.arange(2) / 100),
        anatomy,
        MarkerMotion(labels, positions, np.zeros_like(positions)),
    )


def test_rays_and_capsules_agree_with_sampling() -> None:
    rng = np.random.default_rng(0)
    share = np.linspace(0, 1, 400)
    for _ in range(25):
        p, a, b = rng.normal(0, 300, (3, 3))
        way = rng.normal(size=3)
        way /= np.linalg.norm(way)
        axis = a + share[:, None] * (b - a)
        ray = p + np.linspace(0, 3000, 3000)[:, None] * way
        sampled = min(np.linalg.norm(ray - point, axis=1).min() for point in axis)
        assert np.sqrt(visibility._apart(p, way, a, b)) == pytest.approx(sampled, abs=1.5)
        nearest = np.linalg.norm(axis - p, axis=1).min()
        assert np.sqrt(visibility._apart(p, np.zeros(3), a, b)) == pytest.approx(nearest, abs=1.0)


def test_rays_and_ellipsoids_agree_with_sampling() -> None:
    rng = np.random.default_rng(1)
    hits = 0
    for _ in range(200):
        p, middle = rng.normal(0, 200, (2, 3))
        way = rng.normal(size=3)
        way /= np.linalg.norm(way)
        matrix = np.diag(1 / rng.uniform(20, 200, 3)) @ turn(X, rng.uniform(0, 90)) @ turn(Z, rng.uniform(0, 90))
        depth = np.linalg.norm((p + np.linspace(0, 3000, 6000)[:, None] * way - middle) @ matrix.T, axis=1)
        hit = visibility._crosses(p, way, middle, matrix)
        if abs(depth.min() - 1) > 1e-3:  # sampling misses a graze
            assert hit == (depth.min() < 1 < depth[0])
        hits += hit
    assert 5 < hits < 190


def test_cameras_stand_around_the_player() -> None:
    assert CAMERAS_MM.shape == (12, 3)
    distance = np.linalg.norm(CAMERAS_MM[:, :2], axis=1)
    assert distance.min() > 4000
    assert distance.max() < 5000
    assert CAMERAS_MM[:, 2].max() <= 3000


def test_a_marker_in_the_open_is_seen_by_all_and_touching_ones_by_none() -> None:
    body, anatomy, motion = alone(np.array([[0.0, 0, 2500], [0, 100, 2500]]))
    assert (cameras_seeing(body, anatomy, motion) == 12).all()
    # 6.4 mm markers whose images overlap in every view.
    body, anatomy, motion = alone(np.array([[0.0, 0, 2500], [0, 4, 2500]]))
    assert (cameras_seeing(body, anatomy, motion) == 0).all()


def test_the_trunk_hides_what_lies_behind_it() -> None:
    anatomy = anatomies(1)[0]
    seen = count(anatomy, posed(anatomy))
    front, behind = CAMERAS_MM[:, 0] > 0, CAMERAS_MM[:, 0] < 0
    assert CAMERAS_NEEDED <= seen["CLAV"] <= front.sum()
    assert CAMERAS_NEEDED <= seen["T10"] <= behind.sum() + 2
    turned = count(anatomy, posed(anatomy, {"pelvis": turn(Z, 180.0)}))
    assert turned["CLAV"] <= behind.sum() + 2


def test_an_arm_before_the_chest_and_a_chair_before_the_leg_hide_markers() -> None:
    anatomy = anatomies(1)[0]
    free = count(anatomy, posed(anatomy))
    crossed = {
        f"{side}_{part}": matrix
        for side, sign in (("left", 1.0), ("right", -1.0))
        for part, matrix in (("upper_arm", turn(Y, -50.0)), ("forearm", turn(X, -50.0 * sign) @ turn(Y, -85.0)))
    }
    assert count(anatomy, posed(anatomy, crossed))["STRN"] < free["STRN"]
    seated = count(anatomy, posed(anatomy), Chair(0.0, -350.0))
    leg = ("THI", "KNE", "TIB", "ANK", "MT5")
    assert sum(seated["R" + stem] for stem in leg) < sum(free["R" + stem] for stem in leg) - 2
    assert seated["LFHD"] == free["LFHD"]


def test_an_upright_static_trial_has_hardly_any_gap() -> None:
    for anatomy in anatomies(4):
        out = {f"{s}_upper_arm": turn(X, d) for s, d in (("left", 30.0), ("right", -30.0))}
        seen = count(anatomy, posed(anatomy, out))
        assert sum(n < CAMERAS_NEEDED for n in seen.values()) <= 4


def test_gaps_are_more_in_hands_and_under_the_violin_than_on_the_legs() -> None:
    shares = [recorded(seed)[2].gap_share for seed in range(3)]
    mean = {label: np.mean([s[label] for s in shares]) for label in shares[0]}
    legs = [mean[s + m] for s in "LR" for m in ("KNE", "ANK", "TIB", "TOE", "HEE", "THI")]
    assert np.mean(legs) < 0.03
    assert max(mean.values()) > 0.03
    assert np.mean(list(mean.values())) < 0.08


def test_noise_is_a_tenth_of_a_millimetre_and_gaps_are_marked() -> None:
    _, _, trial = recorded()
    np.testing.assert_array_equal(np.isnan(trial.measured_mm).any(axis=-1), trial.residuals_mm == -1)
    # Undo the swaps: what is left is noise.
    truth = np.take_along_axis(trial.true_mm, trial.identity[..., None].astype(int), axis=1)
    error = (trial.measured_mm - truth)[~np.isnan(trial.measured_mm)]
    assert 0.5 * NOISE_MM < error.std() < 1.3 * NOISE_MM
    assert abs(error.mean()) < 0.01
    assert np.abs(error).max() < 10 * NOISE_MM
    assert (trial.residuals_mm[trial.residuals_mm != -1] > 0).all()


def test_swaps_exchange_two_labels_for_a_while_and_are_listed() -> None:
    found = 0
    for seed in range(12):
        trial = recorded(seed, 3.0)[2]
        assert len(trial.swaps) <= 3
        exchanged = trial.identity != np.arange(len(trial.labels))
        listed = np.zeros_like(exchanged)
        for swap in trial.swaps:
            a, b = trial.labels.index(swap.first), trial.labels.index(swap.second)
            here = (trial.times_s >= swap.start_s) & (trial.times_s < swap.end_s)
            assert here.any()
            listed[np.ix_(here, np.array([a, b]))] = True
            gap = np.linalg.norm(trial.true_mm[here][0, a] - trial.true_mm[here][0, b])
            assert gap < 90, "only neighbours are taken for each other"
            measured = trial.measured_mm[here, a] - trial.true_mm[here, b]
            assert np.nanmax(np.abs(measured), initial=0.0) < 1.0
            found += 1
        np.testing.assert_array_equal(exchanged, listed)
    assert 3 <= found <= 20


def test_ghosts_are_short_and_near_the_violin() -> None:
    numbers = []
    for seed in range(12):
        body, _, trial = recorded(seed, 3.0)
        numbers.append(len(trial.ghosts))
        for n, ghost in enumerate(trial.ghosts):
            assert ghost.name == f"*{n + 1}"
            length = len(ghost.positions_mm)
            assert 4 <= length < 60
            assert 0 <= ghost.start <= trial.times_s.size - length
            violin = body.segments["violin"].origin[ghost.start : ghost.start + length]
            assert np.linalg.norm(ghost.positions_mm - violin, axis=1).max() < 600
    assert max(numbers) <= 5
    assert 0.5 < np.mean(numbers) < 4


def test_a_checked_trial_has_neither_swaps_nor_ghosts_and_seeds_repeat() -> None:
    anatomy = anatomies(1)[0]
    rng = np.random.default_rng(0)
    placement = place(anatomy, rng)
    body = playing(anatomy, 2.0)
    motion = marker_motion(body, placement, draw_skin(placement, rng), labels_of("take"))
    for seed in range(6):
        trial = record_markers(body, anatomy, motion, np.random.default_rng(seed), mislabelled=False)
        assert trial.swaps == ()
        assert trial.ghosts == ()
    one, two = (record_markers(body, anatomy, motion, np.random.default_rng(3)) for _ in range(2))
    np.testing.assert_array_equal(one.measured_mm, two.measured_mm)
    assert one.swaps == two.swaps
