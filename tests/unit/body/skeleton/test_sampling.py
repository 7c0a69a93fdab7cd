"""Which frames calibrate a limb."""

import numpy as np

from tests.unit.body.skeleton.moving import hidden, of_set
from viodat.body import get_marker_set
from viodat.body.skeleton.building import build_trees
from viodat.body.skeleton.evidence import gather_evidence
from viodat.body.skeleton.reference import reference_posture
from viodat.body.skeleton.sampling import calibration_frames, distinct, farthest
from viodat.body.skeleton.segments import LIMBS
from viodat.body.skeleton.tree import subtree


def test_farthest_takes_each_cluster_before_a_second_of_any():
    rng = np.random.default_rng(0)
    corners = np.array([[0, 0], [100, 0], [0, 100], [100, 100]])
    points = np.repeat(corners, 50, axis=0) + rng.normal(size=(200, 2))
    chosen = farthest(points, 4)
    assert sorted(chosen // 50) == [0, 1, 2, 3]
    assert (np.diff(farthest(points, 20)) > 0).all()
    np.testing.assert_array_equal(farthest(points[:5], 10), np.arange(5))


def test_identical_postures_are_not_asked_for_more_than_there_are():
    assert len(farthest(np.zeros((30, 3)), 10)) <= 10


def test_clusters_are_counted_as_postures_that_differ():
    rng = np.random.default_rng(1)
    corners = np.array([[0, 0, 0], [2, 0, 0], [0, 2, 0]], dtype=float)
    points = np.repeat(corners, 40, axis=0) + rng.uniform(-0.05, 0.05, (120, 3))
    assert distinct(points, 0.5) == 3
    assert distinct(points, 5.0) == 1
    assert distinct(points[:1], 0.5) == 1


def limb_of(take, static):
    chosen = get_marker_set("plug-in-gait")
    reference = reference_posture(take, static)
    evidence, _ = gather_evidence(reference, take.subject.measurements, chosen)
    tree = build_trees(reference.places, evidence, chosen, take.labels)["lower body"]
    part = subtree(tree, LIMBS["left_leg"])
    return part, np.array([evidence[j].place for j in part.joints])


def test_frames_of_both_trials_are_counted_and_their_markers_are_the_trials():
    take, static, _ = of_set("plug-in-gait", 300)
    rom, _, _ = of_set("plug-in-gait", 300, seed=1)
    part, centres = limb_of(take, static)
    found = calibration_frames(part, centres, take, rom)
    assert min(found.counts) > 0
    assert sum(found.counts) == len(found.pose) == len(found.observed)
    assert 1 <= found.postures <= len(found.pose)
    ankle = part.labels.index("LANK")
    theirs = np.concatenate([rom.marker("LANK"), take.marker("LANK")])
    for place in found.observed[:, ankle]:
        assert np.min(np.linalg.norm(theirs - place, axis=-1)) < 1e-9


def test_frames_that_show_little_of_the_limb_are_left_out():
    take, static, _ = of_set("plug-in-gait", 200)
    part, centres = limb_of(take, static)
    lost = hidden(take, ("LTHI", "LKNE", "LTIB", "LANK", "LHEE", "LTOE"), slice(0, 150))
    found = calibration_frames(part, centres, lost, None)
    assert found.counts[0] == 0
    assert 0 < found.counts[1] <= 50
    assert np.isfinite(found.observed).all()


def test_no_frame_is_found_where_the_root_is_never_seen():
    take, static, _ = of_set("plug-in-gait", 50)
    part, centres = limb_of(take, static)
    assert calibration_frames(part, centres, hidden(take, ("LASI", "RASI", "LPSI", "RPSI")), None) is None
