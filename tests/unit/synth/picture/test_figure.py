from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest

from tests.unit.synth.picture.bodies import made, turn
from viodat.joints import JOINTS
from viodat.synth.picture.figure import Look, figures_of
from viodat.synth.player.body import FINGERS, Frame


def inside(figure, point):
    """(P,) True where a solid holds the point."""
    local = np.linalg.solve(figure.axes, (point - figure.origin)[..., None])[..., 0]
    length, r0, r1 = figure.shape.T
    z = local[:, 2].clip(0, length)
    share = np.divide(z, length, out=np.zeros_like(z), where=length > 0)
    return np.linalg.norm(local - np.outer(z, [0, 0, 1]), axis=1) < (1 - share) * r0 + share * r1


def clothed(body, stature_mm=1700.0):
    return figures_of(body, Look(scale=stature_mm / 1700, violin_scale=min(stature_mm / 1700, 1.0)))


@pytest.mark.parametrize("stature_mm", [1200.0, 1900.0])
@pytest.mark.parametrize("plays", [False, True])
def test_every_joint_and_finger_bone_has_flesh_around_it(stature_mm, plays):
    body = made(stature_mm, plays)
    figure = clothed(body, stature_mm)[0]
    for name in JOINTS:
        assert inside(figure, body.joint(name)[0]).any(), name
    for side in ("left", "right"):
        for finger in FINGERS:
            chain = [body.segments[f"{side}_{finger}_{bone}"].origin[0] for bone in ("proximal", "middle", "distal")]
            for start, end in itertools.pairwise(chain):
                assert inside(figure, (start + end) / 2).any(), (side, finger)


def test_the_feet_stand_on_the_floor_and_the_head_is_as_high_as_the_body():
    for stature_mm, head_mm in ((1200.0, 186.0), (1700.0, 221.0), (1900.0, 247.0)):
        figure = clothed(made(stature_mm, head_mm=head_mm), stature_mm)[0]
        spread = np.linalg.norm(figure.axes, axis=-1)[:, 2]
        low = (figure.origin[:, 2] - spread * figure.shape[:, 1]).min()
        high = (figure.origin[:, 2] + spread * figure.shape[:, 1]).max()
        assert abs(low) < 8
        assert high == pytest.approx(stature_mm, abs=0.045 * stature_mm)


def test_a_finger_is_drawn_where_its_bones_are():
    body = made()
    bone = body.segments["right_index_distal"]
    straight = replace(
        body, segments={**body.segments, "right_index_distal": Frame(bone.origin, bone.axes @ turn((1, 0, 0), 1.2))}
    )
    before, after = (clothed(b) for b in (body, straight))
    moved = np.nonzero(np.abs(after.axes - before.axes).max(axis=(0, 2, 3)) > 1e-9)[0]
    assert moved.size == 1
    tip = after.origin[0, moved[0]] + after.axes[0, moved[0], :, 2] * after.shape[0, moved[0], 0]
    expected = bone.origin[0] - bone.axes[0] @ turn((1, 0, 0), 1.2) @ [0, 0, 17.0]
    np.testing.assert_allclose(tip, expected, atol=3)


def test_the_head_takes_its_size_from_the_body_not_from_the_stature():
    small, large = (clothed(made(1200.0, head_mm=mm), 1200.0) for mm in (156.0, 221.0))
    assert large.shape.shape == small.shape.shape
    ratio = np.linalg.norm(large.axes[0], axis=(1, 2)) / np.linalg.norm(small.axes[0], axis=(1, 2))
    assert ratio.max() == pytest.approx(221 / 156, rel=0.01)
    assert np.median(ratio) == pytest.approx(1.0, abs=1e-9)


def test_violin_and_bow_are_there_only_when_the_body_has_them():
    playing, still = clothed(made(plays=True)), clothed(made())
    assert playing.origin.shape[1] > still.origin.shape[1] + 25
    body = made(plays=True, shifts=((0, 0, 0), (0, 0, 0)))
    lifted = Frame(body.segments["bow"].origin + np.array([0, 0, 100.0]), body.segments["bow"].axes)
    moved = clothed(replace(body, segments={**body.segments, "bow": lifted}))
    changed = np.abs(moved.origin - clothed(body).origin).max(axis=(0, 2)) > 1e-9
    assert 12 <= changed.sum() <= 24
    np.testing.assert_allclose((moved.origin - clothed(body).origin)[:, changed] - [0, 0, 100.0], 0, atol=1e-9)


def test_all_instants_have_the_same_solids_and_finite_places():
    figures = clothed(made(plays=True, shifts=((0, 0, 0), (5, 0, 0), (10, 3, 1))))
    assert len(figures) == 3
    assert np.isfinite(figures.axes).all()
    np.testing.assert_allclose(
        figures.origin[1] - figures.origin[0], np.tile([5.0, 0, 0], (figures.origin.shape[1], 1))
    )


def test_players_differ_and_the_same_draw_is_the_same_player():
    looks = [Look.drawn(np.random.default_rng(i), 1.0, 1.0) for i in range(12)]
    assert len(set(looks)) > 8
    assert looks[3] == Look.drawn(np.random.default_rng(3), 1.0, 1.0)
