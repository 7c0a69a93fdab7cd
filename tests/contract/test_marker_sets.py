"""Every registered marker set keeps its word on a figure whose joint centres are known."""

import numpy as np
import pytest

from tests.unit.body.figure import figure, measurements, trial
from viodat.body import MARKER_SETS, MarkerSet, detect_marker_set, joint_centres
from viodat.joints import JOINTS

SETS = [pytest.param(marker_set, id=name) for name, marker_set in MARKER_SETS.items()]


@pytest.mark.parametrize("marker_set", SETS)
def test_describes_itself(marker_set: MarkerSet):
    assert MARKER_SETS[marker_set.name] is marker_set
    assert marker_set.description
    assert marker_set.source
    assert len(set(marker_set.labels)) == len(marker_set.labels)
    assert all(marker.segment for marker in marker_set.markers)
    for rule in marker_set.rules:
        assert set((*rule.labels, *rule.hand_frame)) <= set(marker_set.labels)


@pytest.mark.parametrize("marker_set", SETS)
def test_is_detected_by_its_own_labels(marker_set: MarkerSet):
    assert detect_marker_set([*marker_set.labels, "CLAP1"]) is marker_set


@pytest.mark.parametrize("use_default_rules", [False, True])
@pytest.mark.parametrize("marker_set", SETS)
def test_determines_what_it_says_and_nothing_else(marker_set: MarkerSet, use_default_rules: bool):
    points, truth = figure()
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
