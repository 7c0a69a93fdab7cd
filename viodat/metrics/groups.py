"""Groups of joints, as VioPose's Table 3 has them: upper limb, hand and lower limb of either side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
from numpy.typing import ArrayLike

from viodat.errors import MetricError
from viodat.joints import JOINTS
from viodat.metrics.counted import mean_where, pair

_PARTS: Final = {
    "upper_limb": ("shoulder", "elbow", "wrist"),
    "hand": ("index", "pinky", "thumb"),
    "lower_limb": ("pelvis", "knee", "ankle"),
}

JOINT_GROUPS: Final[Mapping[str, tuple[str, ...]]] = {
    f"{side}_{part}": tuple(f"{side}_{joint}" for joint in joints)
    for part, joints in _PARTS.items()
    for side in ("left", "right")
}
"""Group -> names of its joints. The paper names the groups, not their joints: the wrist is of the limb here."""


def per_group(
    pred: ArrayLike,
    target: ArrayLike,
    valid: ArrayLike | None = None,
    *,
    joints: Sequence[str] = JOINTS,
    groups: Mapping[str, Sequence[str]] = JOINT_GROUPS,
) -> dict[str, float]:
    """Give each group's mean distance, mm, over all its joints and frames that count; NaN where none does.

    Parameters
    ----------
    pred, target, valid
        As in :func:`viodat.metrics.mpjpe`.
    joints
        Names of the joints, in the order of the arrays.
    groups
        Names of each group's joints; those that the arrays do not have are left out.

    Raises
    ------
    MetricError
        There are not as many names as joints.
    """
    both = pair(pred, target, valid)
    if len(joints) != both.valid.shape[-1]:
        raise MetricError(f"expected a name for each of {both.valid.shape[-1]} joints, but got {len(joints)}")
    errors = both.errors()
    found = {}
    for group, names in groups.items():
        columns = [joints.index(name) for name in names if name in joints]
        found[group] = mean_where(errors[..., columns], np.asarray(both.valid[..., columns]))
    return found
