"""The hip centres are as far from the regressions as people's are, and bodies look like bodies."""

from __future__ import annotations

import numpy as np
import pytest

from viodat.errors import ConfigError
from viodat.synth.player.anatomy import Anatomy, draw_anatomy
from viodat.synth.player.roster import Person, roster

_RNG = np.random.default_rng(11)
_BODIES = [draw_anatomy(person, _RNG) for _ in range(25) for person in roster(12, _RNG)]


def _hip_errors(body: Anatomy, rng: np.random.Generator) -> tuple[list[float], list[float]]:
    """Distances of Davis' and Harrington's hip centres from the true ones, with markers put on by hand."""
    marks = {}
    for name in ("LASI", "RASI", "LPSI", "RPSI"):
        landmark = body.landmarks[name]
        missed = rng.normal(0, 5 * body.scale, 3)
        missed -= (missed @ landmark.outward) * landmark.outward
        marks[name] = landmark.place + 7.0 * landmark.outward + missed
    origin = (marks["LASI"] + marks["RASI"]) / 2
    back = origin - (marks["LPSI"] + marks["RPSI"]) / 2
    left = marks["LASI"] - marks["RASI"]
    width, depth = np.linalg.norm(left), np.linalg.norm(back)
    y = left / width
    x = back - (back @ y) * y
    x /= np.linalg.norm(x)
    axes = np.stack([x, y, np.cross(x, y)])
    leg = np.mean(list(body.leg_length.values())) + rng.normal(0, 5)
    c, theta, beta, r = 0.115 * leg - 15.3, 0.5, 0.314, 7.0
    at = 0.1288 * leg - 48.56
    davis = np.array(
        [
            c * np.cos(theta) * np.sin(beta) - (at + r) * np.cos(beta),
            -(c * np.sin(theta) - width / 2),
            -c * np.cos(theta) * np.cos(beta) - (at + r) * np.sin(beta),
        ]
    )
    harrington = np.array([-0.24 * depth - 9.9, 0.28 * depth + 0.16 * width + 7.9, -0.16 * width - 0.04 * leg - 7.1])
    errors: tuple[list[float], list[float]] = ([], [])
    for side, sign in (("left", 1.0), ("right", -1.0)):
        true = axes @ (body.places[f"{side}_hip"] - origin) * np.array([1.0, sign, 1.0])
        for regression, found in zip((davis, harrington), errors, strict=True):
            found.append(float(np.linalg.norm(regression - true)))
    return errors


def test_regressions_of_the_hip_err_as_they_do_on_people() -> None:
    rng = np.random.default_rng(5)
    davis, harrington = (np.ravel(e) for e in zip(*(_hip_errors(body, rng) for body in _BODIES), strict=True))
    print(
        f"Davis {davis.mean():.1f} ± {davis.std():.1f} mm, Harrington {harrington.mean():.1f} ± {harrington.std():.1f}"
    )
    assert 22 < davis.mean() < 28
    assert 5 < davis.std() < 9
    assert 9 < harrington.mean() < 15
    assert 4 < harrington.std() < 8


def test_bodies_stand_as_tall_as_they_are() -> None:
    for body in _BODIES:
        notch = body.bones["ankle_height"] + body.bones["left_shank"] + body.bones["left_thigh"] + body.bones["spine"]
        assert 0.76 < notch / body.person.stature_mm < 0.86
        assert 0.47 < body.leg_length["left"] / body.person.stature_mm < 0.58
        assert 0.7 < body.violin_scale <= 1.0


def test_bodies_differ_and_the_two_sides_do_not_mirror() -> None:
    ratio = [body.bones["left_thigh"] / body.person.stature_mm for body in _BODIES]
    assert 0.015 < np.std(ratio) / np.mean(ratio) < 0.05
    assert all(body.bones["left_thigh"] != body.bones["right_thigh"] for body in _BODIES)


def test_the_twelve_are_those_of_the_paper() -> None:
    people = roster(12, np.random.default_rng(0))
    assert [p.participant for p in people] == [f"P{n:02d}" for n in range(4, 16)]
    assert sum(p.level == "advanced" for p in people) == 5
    by_id = {p.participant: p for p in people}
    assert (by_id["P05"].sex, by_id["P05"].age_group, by_id["P05"].level) == ("male", "adult", "advanced")
    assert (by_id["P08"].sex, by_id["P08"].age_group, by_id["P08"].level) == ("female", "teenager", "novice")
    assert (by_id["P13"].sex, by_id["P13"].age_group, by_id["P13"].level) == ("male", "child", "novice")
    assert min(p.stature_mm for p in people) == 1200
    assert max(p.stature_mm for p in people) == 1900


def test_more_people_are_drawn_from_the_seed() -> None:
    def twenty(seed: int) -> tuple[Person, ...]:
        return roster(20, np.random.default_rng(seed))

    assert twenty(1) == twenty(1)
    assert twenty(1)[:12] == twenty(2)[:12]
    assert twenty(1)[12:] != twenty(2)[12:]
    with pytest.raises(ConfigError, match="cannot simulate 0 participants"):
        roster(0, np.random.default_rng(0))
