"""The set is what it says, sits where the landmarks are, and lets Plug-in Gait and midpoints find the joints."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pytest

from viodat.body import MARKER_SETS, detect_marker_set, joint_centres
from viodat.capture.markers import MarkerTrial, Subject
from viodat.joints import JOINTS
from viodat.synth.lab.marker_motion import TISSUES, draw_skin, marker_motion
from viodat.synth.lab.marker_set import MARKERS, PALPATION_MM, STATIC_ONLY, Kind, labels_of, place
from viodat.synth.lab.measuring import measure
from viodat.synth.player.anatomy import Anatomy, draw_anatomy
from viodat.synth.player.body import FINGERS, SEGMENTS, Body, Frame
from viodat.synth.player.roster import roster
from viodat.synth.vectors import FloatArray

X, Y, Z = np.eye(3)


def turn(axis: FloatArray, degrees: float) -> FloatArray:
    a = np.deg2rad(degrees)
    k = np.cross(np.eye(3), axis)
    return np.eye(3) + np.sin(a) * k + (1 - np.cos(a)) * k @ k


def anatomies(count: int = 12, seed: int = 7) -> list[Anatomy]:
    rng = np.random.default_rng(seed)
    people = roster(12, rng)
    return [draw_anatomy(people[i % 12], rng) for i in range(count)]


def posed(
    anatomy: Anatomy,
    turns: Mapping[str, FloatArray] | None = None,
    times_s: FloatArray | None = None,
    instrument: bool = False,
) -> Body:
    """Stand a body up: rotations (3, 3) or (T, 3, 3) relative to the parent segment, neutral where not given."""
    times = np.arange(3) / 100 if times_s is None else times_s
    given = dict(turns or {})
    places, bones = anatomy.places, anatomy.bones
    frames: dict[str, Frame] = {}

    def axes(name: str, parent: FloatArray) -> FloatArray:
        return parent @ np.broadcast_to(given.get(name, np.eye(3)), (times.size, 3, 3))

    world = np.broadcast_to(np.eye(3), (times.size, 3, 3))
    height = bones["ankle_height"] + bones["left_shank"] + bones["left_thigh"]
    pelvis = Frame(np.tile([0.0, 0.0, height], (times.size, 1)), axes("pelvis", world))
    trunk = axes("thorax", pelvis.axes)
    notch = Frame(pelvis.point(places["spine"]), trunk).point(places["notch_from_spine"])
    thorax = Frame(notch, trunk)
    skull = axes("head", trunk)
    frames |= {"pelvis": pelvis, "thorax": thorax}
    frames["head"] = Frame(Frame(thorax.point(places["neck"]), skull).point(places["head"]), skull)
    joints: dict[str, FloatArray] = {}
    for side in ("left", "right"):

        def add(name: str, parent: Frame, at: FloatArray, side: str = side) -> Frame:
            frames[f"{side}_{name}"] = Frame(parent.point(at), axes(f"{side}_{name}", parent.axes))
            return frames[f"{side}_{name}"]

        clavicle = add("clavicle", thorax, places[f"{side}_clavicle"])
        upper = add("upper_arm", clavicle, places[f"{side}_shoulder"])
        fore = add("forearm", upper, -bones[f"{side}_upper_arm"] * Z)
        radius = add("radius", fore, -bones[f"{side}_forearm"] * Z)
        hand = add("hand", radius, 0 * Z)
        for finger in FINGERS:
            bone = add(f"{finger}_proximal", hand, places[f"{side}_{finger}"])
            bone = add(f"{finger}_middle", bone, -bones[f"{side}_{finger}_proximal"] * Z)
            add(f"{finger}_distal", bone, -bones[f"{side}_{finger}_middle"] * Z)
        thumb = add("thumb_metacarpal", hand, places[f"{side}_thumb"])
        thumb = add("thumb_proximal", thumb, -bones[f"{side}_thumb_metacarpal"] * Z)
        thumb = add("thumb_distal", thumb, -bones[f"{side}_thumb_proximal"] * Z)
        thigh = add("thigh", pelvis, places[f"{side}_hip"])
        shank = add("shank", thigh, -bones[f"{side}_thigh"] * Z)
        foot = add("foot", shank, -bones[f"{side}_shank"] * Z)
        joints |= {
            f"{side}_{joint}": frame.origin
            for joint, frame in {
                "shoulder": upper, "elbow": fore, "wrist": hand, "pelvis": thigh, "knee": shank, "ankle": foot,
                "index": frames[f"{side}_index_proximal"], "pinky": frames[f"{side}_pinky_proximal"], "thumb": thumb,
            }.items()
        }  # fmt: skip
    if instrument:
        # Scroll to the front and left; the bow square to the strings.
        s = anatomy.violin_scale
        held = np.broadcast_to(turn(Z, 40.0) @ turn(X, 15.0), world.shape)
        frames["violin"] = Frame(thorax.point(np.array([35.0, 80.0, 45.0]) * anatomy.scale), held)
        drawn = held @ turn(Z, 90.0)
        contact = frames["violin"].point(s * np.array([190.0, 0.0, 76.0]))
        frames["bow"] = Frame(contact - 300 * s * drawn[..., 0], drawn)
    return Body(times, frames, np.stack([joints[name] for name in JOINTS], axis=1), {})


# Elbows bent and arms off the body: straight arms do not tell Plug-in Gait where the elbow's axis is.
STATIC = {
    f"{side}_{part}": turn(axis, degrees * (1.0 if side == "left" or axis is Y else -1.0))
    for side in ("left", "right")
    for part, axis, degrees in (("upper_arm", X, 25.0), ("forearm", Y, -60.0))
}


def recorded_by(anatomy: Anatomy, body: Body, kind: Kind, rng: np.random.Generator) -> MarkerTrial:
    """Markers without noise, gaps or wobble, as read from a file, with the participant's measurements."""
    placement = place(anatomy, rng)
    moved = marker_motion(body, placement, draw_skin(placement, rng), labels_of(kind), wobble=False)
    subject = Subject(anatomy.person.participant, measure(anatomy, rng))
    return MarkerTrial(moved.labels, moved.positions, 100.0, 1, np.zeros(moved.positions.shape[:2]), subject=subject)


def test_takes_carry_96_markers() -> None:
    takes, rom, static = (labels_of(kind) for kind in ("take", "rom", "static"))
    assert (len(takes), len(rom), len(static)) == (96, 86, 92)
    assert set(static) - set(takes) == set(STATIC_ONLY) == {s + m for s in "LR" for m in ("ELM", "KNM", "MED")}
    assert set(takes) - set(rom) == {m.label for m in MARKERS if m.segment in ("violin", "bow")}
    assert set(MARKER_SETS["plug-in-gait"].labels) <= set(rom)
    assert len({m.label for m in MARKERS}) == len(MARKERS)


def test_the_registered_set_is_this_one() -> None:
    registered = {m.label: m for m in MARKER_SETS["viodat-96"].markers}
    assert set(registered) == {m.label for m in MARKERS}
    for marker in MARKERS:
        side, _, part = marker.segment.partition("_")
        finger = part.split("_")[0]
        expected = f"{side}_{finger}" if finger in ("index", "pinky", "thumb") else marker.segment
        found = registered[marker.label]
        assert found.segment == expected.replace("radius", "wrist"), marker.label
        assert (found.diameter_mm, found.static_only) == (marker.diameter_mm, marker.static_only), marker.label
    for kind in ("take", "rom", "static"):
        assert detect_marker_set(labels_of(kind)) is MARKER_SETS["viodat-96"]
    assert MARKER_SETS["viodat-96"].determines == JOINTS


def test_every_marker_names_what_it_needs() -> None:
    anatomy = anatomies(1)[0]
    for marker in MARKERS:
        assert marker.segment in SEGMENTS
        assert marker.palpation in PALPATION_MM
        assert (marker.tissue in TISSUES) != (marker.fixed is not None)
        if marker.landmark:
            assert anatomy.landmarks[marker.landmark].segment == marker.segment, marker.label


@pytest.mark.parametrize(
    ("segment", "least"),
    [
        ("upper_arm", 4),
        ("forearm", 3),
        ("clavicle", 3),
        ("hand", 4),
        ("thigh", 4),
        ("shank", 4),
        ("foot", 4),
        ("pelvis", 6),
        ("thorax", 7),
        ("head", 5),
        ("violin", 6),
        ("bow", 4),
    ],
)
def test_segments_are_determined_by_their_own_markers(segment: str, least: int) -> None:
    anatomy = anatomies(8)[7]  # the smallest
    places = place(anatomy, np.random.default_rng(0)).places
    for side in ("left_", "right_"):
        own = [i for i, m in enumerate(MARKERS) if m.segment in (segment, side + segment) and not m.static_only]
        assert len(own) >= least
        spread = np.linalg.svd(places[own] - places[own].mean(axis=0), compute_uv=False)
        assert spread[1] > 12.0, "the markers lie on one line"


def test_balls_touch_the_skin_and_not_each_other() -> None:
    for anatomy in anatomies():
        placement = place(anatomy, np.random.default_rng(3))
        for i, marker in enumerate(MARKERS):
            if marker.landmark and not marker.wrap[0]:
                landmark = anatomy.landmarks[marker.landmark]
                lifted = (placement.places[i] - landmark.place) @ (landmark.outward / np.linalg.norm(landmark.outward))
                assert lifted == pytest.approx(marker.diameter_mm / 2, abs=1e-9)
            for j in range(i):
                if MARKERS[j].segment == marker.segment:
                    distance = np.linalg.norm(placement.places[i] - placement.places[j])
                    assert distance > placement.radii[i] + placement.radii[j], (marker.label, MARKERS[j].label)


def test_palpation_scatters_along_the_skin_as_the_table_says() -> None:
    anatomy, rng = anatomies(1)[0], np.random.default_rng(0)
    many = np.stack([place(anatomy, rng).places for _ in range(200)])
    normals = place(anatomy, rng).outward
    for i, marker in enumerate(MARKERS):
        away = many[:, i] - many[:, i].mean(axis=0)
        if not normals[i].any():
            assert np.abs(away).max() < 1e-9
            continue
        assert np.abs(away @ normals[i]).max() < 1e-9
        size = 1.0 if marker.fixed else anatomy.scale
        rms = np.sqrt((away**2).sum(axis=1).mean() / 2)
        assert rms == pytest.approx(PALPATION_MM[marker.palpation] * size, rel=0.2), marker.label


def test_same_seed_same_places() -> None:
    anatomy = anatomies(1)[0]
    one, two, other = (place(anatomy, np.random.default_rng(seed)).places for seed in (1, 1, 2))
    np.testing.assert_array_equal(one, two)
    assert np.abs(one - other).max() > 1.0


def test_midpoints_of_the_static_trial_are_near_the_joints() -> None:
    rng = np.random.default_rng(2)
    errors: dict[str, list[float]] = {}
    for anatomy in anatomies(36):
        body = posed(anatomy)
        found = joint_centres(recorded_by(anatomy, body, "static", rng), method="midpoints")
        for joint in ("elbow", "knee", "ankle", "wrist"):
            for side in ("left", "right"):
                miss = np.linalg.norm(found.joint(f"{side}_{joint}")[0] - body.joint(f"{side}_{joint}")[0])
                errors.setdefault(joint, []).append(float(miss))
    for joint, values in errors.items():
        print(f"{joint}: {np.mean(values):.1f} mm, 95 % below {np.percentile(values, 95):.1f}")
        assert 1.0 < np.mean(values) < (8.0 if joint == "wrist" else 6.0)
        # The styloids lie a little behind the wrist's centre.
        assert np.percentile(values, 95) < (11.0 if joint == "wrist" else 9.0)


def test_plug_in_gait_errs_as_on_people() -> None:
    rng = np.random.default_rng(4)
    errors: dict[str, list[float]] = {}
    for anatomy in anatomies(48):
        body = posed(anatomy, STATIC)
        found = joint_centres(recorded_by(anatomy, body, "static", rng), method="pig")
        assert found.determined == JOINTS
        for i, joint in enumerate(JOINTS):
            miss = np.linalg.norm(found.positions_mm[0, i] - body.joints[0, i])
            errors.setdefault(joint.split("_")[1], []).append(float(miss))
    for joint, values in errors.items():
        print(f"{joint}: {np.mean(values):.1f} ± {np.std(values):.1f} mm")
    assert 22 < np.mean(errors["pelvis"]) < 28
    assert 5 < np.std(errors["pelvis"]) < 9
    for joint, low, high in (
        ("knee", 6, 16), ("ankle", 6, 17), ("shoulder", 6, 15), ("elbow", 6, 15),
        ("wrist", 14, 26), ("index", 3, 8), ("pinky", 3, 8), ("thumb", 9, 17),
    ):  # fmt: skip
        assert low < np.mean(errors[joint]) < high, joint


def test_plug_in_gait_runs_on_the_neutral_posture() -> None:
    anatomy = anatomies(1)[0]
    found = joint_centres(recorded_by(anatomy, posed(anatomy), "static", np.random.default_rng(0)), method="pig")
    assert found.determined == JOINTS
    assert found.marker_set == "viodat-96"
