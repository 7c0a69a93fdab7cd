"""Any body can hold the instrument: every string is reached from frog to tip, and novices hold it as novices do."""

from __future__ import annotations

import numpy as np
import pytest

from viodat.synth.music.violin import HAIR_MM
from viodat.synth.picture.instrument import CHIN_REST
from viodat.synth.player.anatomy import draw_anatomy
from viodat.synth.player.hold import Bowing, bow_frame, bow_reach, placed_arm, violin_frame
from viodat.synth.player.roster import roster
from viodat.synth.player.setup import JAW, draw_habits, find_hold, head_frame

# Every seventh of ninety participants: the twelve fixed ones and drawn ones.
_PEOPLE = roster(90, np.random.default_rng(4))[::7]


@pytest.mark.parametrize("person", _PEOPLE, ids=lambda p: p.participant)
def test_frog_and_tip_are_within_reach_on_every_string(person) -> None:
    rng = np.random.default_rng(person.age_years)
    anatomy = draw_anatomy(person, rng)
    scale = anatomy.violin_scale
    hold = find_hold(anatomy, draw_habits(person.level, rng), scale)
    hair = HAIR_MM * scale
    grid = np.meshgrid(np.linspace(25.0, hair - 25.0, 7), (-0.404, 0.0, 0.404), (12.0, 52.0), (-1.0, 1.0))
    bow, lean, bridge, way = (g.ravel() for g in grid)
    # The bow is slow near its ends.
    speed = 1500.0 * way * np.sin(np.pi * bow / hair)
    zero = np.zeros_like(bow)
    skew = draw_habits(person.level, rng).crooked * (2 * bow / hair - 1)
    bowing = Bowing(bow, speed, zero, bridge, lean, skew, zero + 0.5, lean, scale)
    violin = violin_frame(hold, anatomy, scale, np.zeros((len(bow), 3)))
    arm = placed_arm(anatomy, "right", -1.0, bow_reach(hold, anatomy, bow_frame(violin, bowing), bowing, zero))
    # From 0.972 on the elbow would give in, and the hand would leave the bow.
    assert arm.stretch.max() < 0.972
    assert np.rad2deg(arm.elbow.max()) < 130
    assert np.rad2deg(np.abs(arm.wrist.flexion).max()) < 60
    assert np.rad2deg(np.abs(arm.wrist.deviation).max()) < 33
    assert np.rad2deg(np.abs(arm.wrist.pronation).max()) < 85
    assert 15 < np.rad2deg(hold.yaw) < 65
    # The elbow opens from frog to tip.
    assert np.rad2deg(arm.elbow[bow < 30].mean() - arm.elbow[bow > hair - 30].mean()) > 30
    jaw = head_frame(hold, anatomy, np.zeros((1, 3))).point(anatomy.bones["head_height"] / 221 * np.array(JAW))
    assert np.linalg.norm(jaw - violin.point(scale * np.array(CHIN_REST))[:1]) < 20


def test_novices_droop_raise_the_shoulder_and_collapse_the_wrist() -> None:
    def mean(level: str) -> np.ndarray:
        drawn = [draw_habits(level, np.random.default_rng(i)) for i in range(60)]
        return np.mean([(h.pitch, h.raised, h.collapsed) for h in drawn], axis=0)

    assert np.all(mean("novice") > mean("intermediate"))
    assert np.all(mean("intermediate") > mean("advanced"))
    person = _PEOPLE[0]
    anatomy = draw_anatomy(person, np.random.default_rng(0))
    holds = [find_hold(anatomy, draw_habits(level, np.random.default_rng(1)), 1.0) for level in ("novice", "advanced")]
    assert holds[0].pitch > holds[1].pitch + 0.02
    assert holds[0].shoulder[2] > holds[1].shoulder[2] + 0.02
