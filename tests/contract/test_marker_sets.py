"""Every registered marker set keeps its word on a figure whose joint centres are known."""

import numpy as np
import pytest

from tests.unit.body.figure import DIAMETER, figure, measurements, trial
from viodat.body import MARKER_SETS, MarkerSet, detect_marker_set, how_determined, joint_centres
from viodat.body.joint_centres import METHODS
from viodat.body.marker_set import SEGMENTS
from viodat.joints import JOINTS

SETS = [pytest.param(marker_set, id=name) for name, marker_set in MARKER_SETS.items()]


@pytest.mark.parametrize("marker_set", SETS)
def test_describes_itself(marker_set: MarkerSet):
    assert MARKER_SETS[marker_set.name] is marker_set
    assert marker_set.description
    assert marker_set.source
    assert len(set(marker_set.labels)) == len(marker_set.labels)
    for rule in marker_set.rules:
        assert set((*rule.labels, *rule.hand_frame)) <= set(marker_set.labels)


@pytest.mark.parametrize("marker_set", SETS)
def test_every_marker_has_a_segment_on_its_own_side(marker_set: MarkerSet):
    for marker in marker_set.markers:
        # A point that another system computed is a joint, and moves with none.
        assert marker.segment in (*SEGMENTS, *JOINTS), marker.label
        if marker.side is not None:
            assert marker.label[0] == marker.side[0].upper(), marker.label
        assert marker.label in marker_set.of_segment(marker.segment)
        assert marker.diameter_mm is None or 2 <= marker.diameter_mm <= 30, marker.label
    mirrored = {"L" + label[1:] if label[0] == "R" else "R" + label[1:] for label in marker_set.labels}
    for marker in marker_set.markers:
        if marker.side is not None:
            assert marker.label in mirrored, f"{marker.label} has no partner"


@pytest.mark.parametrize("marker_set", SETS)
def test_says_how_each_joint_is_determined(marker_set: MarkerSet):
    """In the order of use: taking the method away that comes first leaves the next."""
    points, _ = figure()
    ways = how_determined(marker_set)
    assert tuple(ways) == marker_set.determines
    full = trial(points, marker_set.labels)
    takes = trial(points, marker_set.take_labels)
    for method in METHODS:
        if method == "pig" and "left_pelvis" not in ways:
            continue
        kinds = METHODS[method]
        expected = {
            joint: next((way for way in said if way.split(":")[0] in kinds), None) for joint, said in ways.items()
        }
        if not any(expected.values()):
            continue
        found = joint_centres(full, subject=measurements(), method=method, marker_set=marker_set)
        for joint, said in expected.items():
            how = found.method[JOINTS.index(joint)]
            assert how.startswith("none") if said is None else how == said.removesuffix(" (static trial)")
    found = joint_centres(takes, subject=measurements(), marker_set=marker_set)
    for joint, said in ways.items():
        expected_way = next((way for way in said if not way.endswith(" (static trial)")), "none")
        assert found.method[JOINTS.index(joint)].startswith(expected_way)


@pytest.mark.parametrize("marker_set", SETS)
def test_is_detected_by_its_own_labels(marker_set: MarkerSet):
    assert detect_marker_set([*marker_set.labels, "CLAP1"]) is marker_set


@pytest.mark.parametrize("use_default_rules", [False, True])
@pytest.mark.parametrize("marker_set", SETS)
def test_determines_what_it_says_and_nothing_else(marker_set: MarkerSet, use_default_rules: bool):
    points, truth = figure(knuckle_mm=marker_set.diameters_mm.get("LIDX", DIAMETER))
    recorded = trial(points, marker_set.labels)
    found = joint_centres(recorded, subject=measurements(), marker_set=None if use_default_rules else marker_set)
    assert found.determined == marker_set.determines
    assert found.marker_set == marker_set.name
    for i, joint in enumerate(JOINTS):
        if joint not in marker_set.determines:
            assert np.isnan(found.positions_mm[:, i]).all()
            assert found.method[i].startswith("none: ")
            continue
        # The midpoint of the wrist bar is another point than Plug-in Gait's wrist.
        bar = found.method[i].startswith("midpoint") and joint.endswith("wrist")
        expected = truth[joint.replace("wrist", "mid_wrist") if bar else joint]
        np.testing.assert_allclose(found.positions_mm[:, i], expected, atol=1e-6)


@pytest.mark.parametrize("marker_set", SETS)
def test_every_marker_of_a_rule_is_needed(marker_set: MarkerSet):
    points, _ = figure()
    for rule in marker_set.rules:
        if any(other.joint == rule.joint and other is not rule for other in marker_set.rules):
            continue
        for label in rule.labels:
            gone = points | {label: np.full_like(points[label], np.nan)}
            found = joint_centres(trial(gone, marker_set.labels), marker_set=marker_set)
            assert rule.joint not in found.determined, f"{rule.joint} without {label}"
