"""Bodies and takes that several tests look at: an adult, a teenager and a child, advanced and novices."""

from __future__ import annotations

from functools import cache
from itertools import pairwise

import numpy as np

from viodat.synth.music.control import Control, control_signals
from viodat.synth.music.performance import draw_traits, perform
from viodat.synth.music.score import write_piece
from viodat.synth.player.anatomy import Anatomy, draw_anatomy
from viodat.synth.player.body import FINGERS, Body
from viodat.synth.player.motion import PlayingMotion, playing_motion
from viodat.synth.player.roster import roster

PEOPLE = ("P05", "P08", "P11")
SECONDS = 16.0


@cache
def anatomy(participant: str) -> Anatomy:
    person = {p.participant: p for p in roster(12, np.random.default_rng(0))}[participant]
    return draw_anatomy(person, np.random.default_rng(1))


@cache
def control(participant: str) -> Control:
    who, rng = anatomy(participant), np.random.default_rng(3)
    player = draw_traits(who.person.level, rng, violin_scale=who.violin_scale)
    return control_signals(perform(write_piece(who.person.level, "free", SECONDS, rng), player, rng), 100.0)


@cache
def playing(participant: str) -> PlayingMotion:
    return playing_motion(anatomy(participant), control(participant), np.random.default_rng(5))


@cache
def body(participant: str) -> Body:
    return playing(participant).at(np.arange(0.0, SECONDS, 0.01))


def bones(of: Body) -> dict[str, np.ndarray]:
    """Distance (T,) between the two joints of every rigid pair, by name."""
    out = {}
    for side in ("left", "right"):
        chain = [f"{side}_{name}" for name in ("shoulder", "elbow", "wrist", "index")]
        chain_of_leg = [f"{side}_{name}" for name in ("pelvis", "knee", "ankle")]
        pairs = [*pairwise(chain), *pairwise(chain_of_leg), (f"{side}_wrist", f"{side}_pinky")]
        out |= {f"{a}-{b}": np.linalg.norm(of.joint(a) - of.joint(b), axis=-1) for a, b in pairs}
        for digit in (*FINGERS, "thumb"):
            names = ("metacarpal", "proximal", "distal") if digit == "thumb" else ("proximal", "middle", "distal")
            for a, b in pairwise(f"{side}_{digit}_{name}" for name in names):
                out[f"{a}-{b}"] = np.linalg.norm(of.segments[a].origin - of.segments[b].origin, axis=-1)
    out["hips"] = np.linalg.norm(of.joint("left_pelvis") - of.joint("right_pelvis"), axis=-1)
    return out


def jumps(motion: PlayingMotion, start_s: float, seconds: float, step_s: float) -> float:
    """Largest change of any joint's acceleration from one step to the next, mm/s²."""
    joints = motion.at(start_s + np.arange(0.0, seconds, step_s)).joints
    return float(np.abs(np.diff(joints, n=3, axis=0)).max() / step_s**2)
