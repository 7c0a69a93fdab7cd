"""The static trial is still, and the range-of-motion trial moves every joint as far as calibration needs."""

from __future__ import annotations

import numpy as np
import pytest

from tests.unit.synth.player.bodies import PEOPLE, anatomy, bones
from viodat.errors import ConfigError
from viodat.synth.player.angles import LIMITS_DEG
from viodat.synth.player.body import Body
from viodat.synth.player.trials import rom_motion, static_motion

SECONDS = 50.0
TIMES = np.arange(0.0, SECONDS, 0.02)


def _rom(who: str) -> Body:
    return rom_motion(anatomy(who), SECONDS, np.random.default_rng(2)).at(TIMES)


def _degrees(body: Body, name: str) -> tuple[float, float]:
    angle = np.rad2deg(body.angles_rad[name])
    return float(angle.min()), float(angle.max())


@pytest.mark.parametrize("who", PEOPLE)
def test_standing_still_moves_by_millimetres_with_the_arms_off_the_body(who: str) -> None:
    body = static_motion(anatomy(who), np.random.default_rng(2)).at(np.arange(0.0, 2.0, 0.01))
    assert not body.plays
    assert np.ptp(body.joints, axis=0).max() < 12.0
    assert np.abs(np.diff(body.joints, axis=0)).max() > 0.0
    for side in ("left", "right"):
        low, high = _degrees(body, f"{side}_shoulder_elevation")
        assert 15 < low <= high < 35
        assert 5 < _degrees(body, f"{side}_elbow_flexion")[0] < 30
        assert np.allclose(body.segments[f"{side}_foot"].origin[:, 2], anatomy(who).bones["ankle_height"])
        assert 4 < _degrees(body, f"{side}_knee_flexion")[0] < 20


@pytest.mark.parametrize("who", PEOPLE)
def test_range_of_motion_keeps_bones_limits_and_the_floor(who: str) -> None:
    body = _rom(who)
    assert max(np.ptp(mm) for mm in bones(body).values()) < 1e-6
    for name in body.angles_rad:
        limits = LIMITS_DEG.get(name.removeprefix("left_").removeprefix("right_"))
        if limits is not None:
            low, high = _degrees(body, name)
            assert limits[0] <= low, name
            assert high <= limits[1], name
    foot, height = anatomy(who).bones["foot"], anatomy(who).bones["ankle_height"]
    for side in ("left", "right"):
        for along in (-0.25, 0.5):
            sole = body.segments[f"{side}_foot"].point([along * foot, 0.0, -height])
            assert sole[:, 2].min() > -10.0


@pytest.mark.parametrize("side", ["left", "right"])
def test_every_joint_is_moved(side: str) -> None:
    body = _rom("P05")
    for name, low, high in (
        ("hip_flexion", -8, 40),
        ("hip_abduction", 0, 30),
        ("knee_flexion", 20, 85),
        ("ankle_flexion", -15, 15),
        ("shoulder_elevation", 30, 80),
        ("elbow_flexion", 30, 110),
        ("forearm_pronation", -35, 50),
        ("wrist_flexion", -38, 38),
        ("wrist_deviation", -12, 12),
        ("index_bend", 30, 75),
    ):
        least, most = _degrees(body, f"{side}_{name}")
        assert least < low, name
        assert most > high, name
    # The thigh's direction goes all round, as a functional hip centre needs.
    thigh = -body.segments[f"{side}_thigh"].axes[:, :, 2]
    swing = np.linalg.svd(thigh - thigh.mean(axis=0), compute_uv=False)
    assert swing[1] > 0.35 * swing[0]
    assert np.ptp(np.rad2deg(body.angles_rad["trunk_lean"])) > 15


def test_acceleration_has_no_jumps() -> None:
    motion = rom_motion(anatomy("P08"), SECONDS, np.random.default_rng(2))
    for start in (0.6, 29.0, 34.0):

        def jump(step: float, start: float = start) -> float:
            joints = motion.at(start + np.arange(0.0, 0.6, step)).joints
            return float(np.abs(np.diff(joints, n=3, axis=0)).max() / step**2)

        assert jump(1e-4) < 0.4 * jump(4e-4)


def test_a_trial_too_short_to_move_through_is_refused() -> None:
    with pytest.raises(ConfigError, match="too short"):
        rom_motion(anatomy("P05"), 5.0, np.random.default_rng(0))
