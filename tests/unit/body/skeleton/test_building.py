"""Which segments and joints markers allow."""

import numpy as np
import pytest

from tests.unit.body.skeleton.moving import hidden, of_set
from viodat.body import get_marker_set
from viodat.body.skeleton.building import build_trees, expect, far_ends, joint_points
from viodat.body.skeleton.evidence import gather_evidence
from viodat.body.skeleton.reference import reference_posture
from viodat.body.skeleton.segments import LIMBS, TREES, joint_of, parent_of
from viodat.joints import JOINTS


def built(name: str, without: tuple[str, ...] = (), unseen: tuple[str, ...] = ()):
    take, static, _ = of_set(name, 1)
    chosen = get_marker_set(name)
    reference = reference_posture(take, hidden(static, without))
    evidence, _ = gather_evidence(reference, take.subject.measurements, chosen)
    seen = [label for label in take.labels if label not in unseen]
    return build_trees(reference.places, evidence, chosen, seen), evidence


def test_the_full_set_has_all_trees_and_the_18_joints():
    trees, evidence = built("viodat-96")
    assert set(trees) == set(TREES)
    points = [point for tree in trees.values() for point in joint_points(tree, evidence)]
    assert sorted(point.joint for point in points) == sorted(JOINTS)


def test_parents_come_before_children_and_joints_hang_between_them():
    trees, _ = built("viodat-96")
    for tree in trees.values():
        assert tree.parents[0] == -1
        for s, parent in enumerate(tree.parents):
            assert parent < s
            if parent >= 0:
                assert tree.segments[parent] == parent_of(tree.segments[s])
                assert tree.joints[tree.joint_of[s]] == joint_of(tree.segments[s])


def test_each_limb_is_part_of_a_tree():
    for limb, segments in LIMBS.items():
        assert any(set(segments) <= set(tree) for tree in TREES.values()), limb


def test_a_root_with_two_markers_left_is_no_root():
    trees, _ = built("plug-in-gait", unseen=("LASI", "LPSI"))
    assert "lower body" not in trees
    assert "upper body" in trees


def test_a_marker_that_the_trial_never_shows_carries_nothing():
    trees, _ = built("plug-in-gait", unseen=("LHEE", "LTOE"))
    tree = trees["lower body"]
    assert "left_foot" not in tree.segments
    assert "right_foot" in tree.segments


def test_the_joint_at_the_end_of_the_last_marked_segment_is_fixed_in_it():
    trees, evidence = built("plug-in-gait", unseen=("LHEE", "LTOE"))
    tree = trees["lower body"]
    ankle = next(p for p in joint_points(tree, evidence) if p.joint == "left_ankle")
    assert tree.segments[ankle.carrier] == "left_shank"
    assert ankle.centre == -1


def test_a_segment_with_one_marker_is_there():
    trees, evidence = built("plug-in-gait", unseen=("LTHI", "LHEE"))
    tree = trees["lower body"]
    assert [tree.segments[s] for s in tree.carrier].count("left_thigh") == 1
    assert {"left_knee", "left_ankle"} <= {p.joint for p in joint_points(tree, evidence)}


def test_an_unmarked_segment_between_marked_ones_is_kept():
    trees, _ = built("plug-in-gait-35")
    tree = trees["upper body"]
    assert "left_forearm" in tree.segments
    assert "left_forearm" not in {tree.segments[s] for s in tree.carrier}


def test_static_markers_are_in_no_tree():
    trees, _ = built("viodat-96")
    labels = {label for tree in trees.values() for label in tree.labels}
    assert not labels & {"LKNM", "RKNM", "LMED", "LELM"}
    assert not labels & {"VLN1", "BOW1", "LIDX2"}


@pytest.mark.parametrize("name", ["plug-in-gait", "plug-in-gait-35", "plug-in-gait-legs", "viodat-96"])
def test_expectations_have_a_row_for_each_marker_and_are_finite(name):
    trees, evidence = built(name)
    for tree in trees.values():
        centres = np.array([evidence[j].place for j in tree.joints]).reshape(-1, 3)
        found = expect(tree, centres)
        assert found.spread_mm.shape == (len(tree.labels),)
        assert (found.spread_mm > 0).all()
        assert (np.linalg.eigvalsh(found.stiffness[1:]) > 0).all()
        for m, s in enumerate(tree.carrier):
            assert found.neighbours[m] == tree.neighbours[s]
            assert found.slide_spread[m].shape == (len(tree.neighbours[s]), 3, 3)
            assert (found.slide_spread[m] > 0).all()


def test_a_knee_is_stiff_but_about_its_axis():
    trees, evidence = built("plug-in-gait-medial")
    tree = trees["lower body"]
    centres = np.array([evidence[j].place for j in tree.joints])
    s = tree.segments.index("left_shank")
    values, vectors = np.linalg.eigh(expect(tree, centres).stiffness[s])
    # The axis of least stiffness is the line from the knee's centre to the marker beside it.
    across = tree.reference[tree.labels.index("LKNE")] - evidence["left_knee"].place
    assert values[1] > 10 * values[0]
    assert abs(vectors[:, 0] @ across) / np.linalg.norm(across) > 0.97


def test_far_ends_are_the_childrens_centres():
    trees, evidence = built("plug-in-gait")
    tree = trees["lower body"]
    centres = np.array([evidence[j].place for j in tree.joints])
    ends = dict(zip(tree.segments, far_ends(tree, tree.places(centres)), strict=True))
    assert ends["pelvis"] is None
    np.testing.assert_array_equal(ends["left_thigh"], evidence["left_knee"].place)
    assert ends["left_foot"] is None
