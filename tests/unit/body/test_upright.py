import numpy as np
import pytest

from viodat.body.joint_centres import JointTrial
from viodat.body.upright import audit_upright
from viodat.capture.axes import axes_matrix
from viodat.joints import JOINT_INDEX


def _standing(tilt_rad: float = 0.0) -> JointTrial:
    """A trunk of 500 mm, tilted forward along X."""
    positions = np.full((10, 18, 3), np.nan)
    for side, y in (("left", 150.0), ("right", -150.0)):
        positions[:, JOINT_INDEX[f"{side}_pelvis"]] = [0, y / 2, 900]
        top = [500 * np.sin(tilt_rad), y, 900 + 500 * np.cos(tilt_rad)]
        positions[:, JOINT_INDEX[f"{side}_shoulder"]] = top
    return JointTrial(positions, ("",) * 18, 100.0, 1)


@pytest.mark.parametrize("tilt_deg", [0, 20, 45])
def test_a_player_who_stands_or_leans_is_upright(tilt_deg):
    assert audit_upright(_standing(np.radians(tilt_deg))) == []


@pytest.mark.parametrize("setting", ["yzx", "zy-x", "zxy", "xz-y", "x-y-z"])
def test_another_axis_up_is_found_and_the_setting_it_names_mends_it(setting):
    """The file's world is turned so that ``setting`` would turn it back."""
    upright = _standing()
    rotation = axes_matrix(setting)
    lying = JointTrial(upright.positions_mm @ rotation, upright.method, 100.0, 1)
    (sentence,) = audit_upright(lying)
    named = sentence.split('"')[1]
    assert audit_upright(JointTrial(lying.positions_mm @ axes_matrix(named).T, upright.method, 100.0, 1)) == []
    assert np.isclose(np.linalg.det(axes_matrix(named)), 1)


def test_nothing_is_said_where_the_trunk_is_never_determined():
    assert audit_upright(JointTrial(np.full((3, 18, 3), np.nan), ("",) * 18, 100.0, 1)) == []
