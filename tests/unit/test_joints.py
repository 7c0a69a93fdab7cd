from viodat.joints import BONES, JOINT_INDEX, JOINTS, MIRROR, ROOT_JOINTS


def test_order_is_that_of_the_published_release():
    assert len(JOINTS) == 18
    assert (JOINTS[0], JOINTS[2], JOINTS[8], JOINTS[17]) == (
        "left_ankle", "left_pelvis", "right_pelvis", "right_thumb",
    )  # fmt: skip
    assert ROOT_JOINTS == (2, 8)


def test_mirror_swaps_sides_and_is_its_own_inverse():
    assert all(MIRROR[MIRROR[i]] == i != MIRROR[i] for i in range(18))
    # As the baselines flip: i <-> i + 6 for i < 6, 12 <-> 15, 13 <-> 16, 14 <-> 17.
    assert MIRROR == (6, 7, 8, 9, 10, 11, 0, 1, 2, 3, 4, 5, 15, 16, 17, 12, 13, 14)


def test_bones_name_joints_and_reach_all_of_them():
    assert {joint for bone in BONES for joint in bone} == set(JOINT_INDEX)
