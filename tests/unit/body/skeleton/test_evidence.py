"""Where landmarks and measurements put the joint centres of the standing figure, and what is left without some."""

import numpy as np
import pytest

from tests.unit.body.figure import figure
from tests.unit.body.skeleton.moving import hidden, of_set
from viodat.body import get_marker_set
from viodat.body.skeleton.evidence import gather_evidence
from viodat.body.skeleton.reference import reference_posture
from viodat.joints import JOINTS

ARM = ("left_shoulder", "left_elbow", "left_wrist")
LEG = ("left_pelvis", "left_knee", "left_ankle")


def evidence_of(name: str, without: tuple[str, ...] = (), measurements: dict[str, float] | None = None):
    take, static, _ = of_set(name, 1)
    static = hidden(static, without)
    found, notes = gather_evidence(
        reference_posture(take, static),
        take.subject.measurements if measurements is None else measurements,
        get_marker_set(name),
    )
    return found, notes, static


def true_centres() -> dict[str, np.ndarray]:
    return {name: place[0] for name, place in figure(1)[1].items()}


def test_medial_and_lateral_markers_give_their_middle():
    found, _, static = evidence_of("plug-in-gait-medial")
    for joint, (a, b) in {"left_knee": ("LKNE", "LKNM"), "left_elbow": ("LELB", "LELM")}.items():
        np.testing.assert_allclose(found[joint].place, (static.marker(a)[0] + static.marker(b)[0]) / 2, atol=1e-9)
        assert found[joint].source.startswith("midpoint:")


def test_knees_ankles_and_elbows_are_plug_in_gaits_without_medial_markers():
    found, _, _ = evidence_of("plug-in-gait")
    truth = true_centres()
    for joint in ("left_knee", "right_knee", "left_ankle", "right_elbow"):
        assert found[joint].source.startswith("pig:")
        # The knee's plane goes through the hip of Davis, which is the figure's.
        np.testing.assert_allclose(found[joint].place, truth[joint], atol=1.0)


def test_hips_are_harringtons():
    found, notes, _ = evidence_of("plug-in-gait")
    assert notes == ()
    truth = true_centres()
    for side in ("left", "right"):
        assert found[f"{side}_pelvis"].source == "regression:harrington"
        # Regressions differ by 14 to 33 mm from one another (Mantovani 2016).
        assert np.linalg.norm(found[f"{side}_pelvis"].place - truth[f"{side}_pelvis"]) < 35


def test_every_precision_is_that_of_a_spread():
    found, _, _ = evidence_of("viodat-96")
    assert set(found) == {*JOINTS, "left_sternoclavicular", "right_sternoclavicular"}
    for known in found.values():
        np.testing.assert_allclose(known.precision, known.precision.T, atol=1e-12)
        assert (np.linalg.eigvalsh(known.precision) > 0).all()
        expected = np.sqrt(np.trace(np.linalg.inv(known.precision)) / 3)
        assert known.sigma_mm == pytest.approx(expected)
        assert 1 < known.sigma_mm < 25


def test_the_sides_mirror():
    found, _, _ = evidence_of("viodat-96")
    truth = true_centres()
    # A plane of symmetry: between the true hips, perpendicular to their line.
    normal = truth["left_pelvis"] - truth["right_pelvis"]
    normal = normal / np.linalg.norm(normal)
    middle = (truth["left_pelvis"] + truth["right_pelvis"]) / 2
    # The figure's thumbs have their first and last markers somewhere, as no rule of the other tests asks for them.
    for joint in (name for name in found if name.startswith("left_") and not name.endswith("thumb")):
        place = found[joint].place
        mirrored = place - 2 * normal * ((place - middle) @ normal)
        np.testing.assert_allclose(found[joint.replace("left", "right")].place, mirrored, atol=1e-6, err_msg=joint)


def test_a_knuckle_is_under_its_marker():
    found, _, static = evidence_of("viodat-96")
    away = found["left_index"].place - static.marker("LIDX")[0]
    assert 5 < np.linalg.norm(away) < 20
    to_wrist = found["left_wrist"].place - static.marker("LIDX")[0]
    assert abs(away @ to_wrist) / np.linalg.norm(away) / np.linalg.norm(to_wrist) < 0.6


@pytest.mark.parametrize("label", ["CLAV", "STRN", "T10", "C7"])
def test_without_a_trunk_marker_the_shoulders_are_not_known_and_the_legs_are(label):
    found, _, _ = evidence_of("plug-in-gait", (label,))
    assert "left_shoulder" not in found
    assert "left_sternoclavicular" not in found
    assert set(LEG) <= set(found)


@pytest.mark.parametrize("label", ["LASI", "RASI"])
def test_without_a_pelvis_marker_the_arms_are_known_as_before(label):
    """A lab that films violinists may have no markers on the pelvis at all."""
    whole, _, _ = evidence_of("plug-in-gait")
    found, notes, _ = evidence_of("plug-in-gait", (label,))
    assert "left_pelvis" not in found
    assert any(label in note for note in notes)
    for joint in ARM:
        assert joint in found, f"{joint} needs no marker of the pelvis"
        np.testing.assert_allclose(found[joint].place, whole[joint].place, atol=1e-6)


def test_without_measurements_only_what_needs_none_is_known():
    found, notes, _ = evidence_of("plug-in-gait-medial", measurements={})
    assert {"left_knee", "left_ankle", "left_elbow", "left_wrist"} <= set(found)
    # A regression that asks for no leg length is left for the hips, and that it was used is said.
    assert found["left_pelvis"].source == "regression:harrington-width"
    assert any("leg_length" in note for note in notes)
