"""Palms meet at the very time of a clap, arms come and go smoothly, and claps keep clear of the notes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

from tests.unit.synth.player.bodies import anatomy, bones, control, jumps, playing
from viodat.errors import ConfigError
from viodat.synth.player.claps import palm_place
from viodat.synth.player.motion import PlayingMotion, playing_motion

LEAD_S = 4.0


@dataclass(frozen=True)
class _Clap:
    time_s: float
    strength: float


CLAPS = (_Clap(2.0, 1.0), _Clap(2.45, 0.5))


def _motion(who: str, claps: tuple[_Clap, ...] = CLAPS) -> PlayingMotion:
    rng = np.random.default_rng(5)
    return playing_motion(anatomy(who), control(who), rng, playing(who).hold, claps=claps, start_s=LEAD_S)


def _gap(motion: PlayingMotion, times: np.ndarray) -> np.ndarray:
    body = motion.at(times)
    left, right = (
        body.segments[f"{side}_hand"].point(palm_place(motion.anatomy, sign))
        for side, sign in (("left", 1.0), ("right", -1.0))
    )
    return np.linalg.norm(left - right, axis=-1)


@pytest.mark.parametrize("who", ["P05", "P11"])
def test_the_palms_are_nearest_at_the_clap(who: str) -> None:
    for clap in CLAPS:
        times = clap.time_s + np.arange(-0.05, 0.05, 2e-5)
        gap = _gap(_motion(who), times)
        assert times[gap.argmin()] == pytest.approx(clap.time_s, abs=1e-4)
        assert gap.min() < 0.5
        # They come at metres per second and stop within a hundredth of a second.
        speed = np.gradient(gap, times)
        assert speed[times < clap.time_s - 0.02].min() < -500.0
        assert np.abs(speed[np.abs(times - clap.time_s) < 3e-5]).max() < 60.0
    between = (CLAPS[0].time_s + CLAPS[1].time_s) / 2
    assert _gap(_motion(who), np.array([between]))[0] > 60 * anatomy(who).scale


@pytest.mark.parametrize("who", ["P05", "P11"])
def test_bones_hold_and_acceleration_has_no_jumps_while_clapping(who: str) -> None:
    times = np.arange(0.5, 5.0, 0.002)
    assert max(np.ptp(mm) for mm in bones(_motion(who).at(times)).values()) < 1e-6
    for start in (0.7, 1.9, 2.6):
        coarse, fine = (jumps(_motion(who), start, 0.25, step) for step in (1e-4, 2.5e-5))
        assert fine < 0.4 * coarse


def test_the_playing_is_the_same_with_and_without_claps() -> None:
    with_claps, without = _motion("P05"), _motion("P05", ())
    onset = LEAD_S + control("P05").curves.performance.notes[0].onset_s
    times = np.arange(onset - 0.05, onset + 5.0, 0.02)
    assert np.allclose(with_claps.at(times).joints, without.at(times).joints, atol=1e-9)
    assert np.abs(with_claps.at([2.0]).joints - without.at([2.0]).joints).max() > 100.0


def test_the_violin_stays_under_the_chin_and_the_bow_in_the_hand() -> None:
    one, other = (_motion("P05", claps).at([2.0]).segments for claps in (CLAPS, ()))
    assert np.allclose(one["violin"].origin, other["violin"].origin)
    assert np.rad2deg(np.arccos(one["bow"].axes[0, 2, 0])) < 45  # the tip points up


@pytest.mark.parametrize("late", [0.3, 1.0])
def test_a_clap_among_or_near_the_notes_is_refused(late: float) -> None:
    onset = LEAD_S + control("P05").curves.performance.notes[0].onset_s
    with pytest.raises(ConfigError, match="meets the notes"):
        _motion("P05", (_Clap(onset - 0.6 + late, 1.0),))
