"""Sets of joints that models are made for: flips, weights and the root follow from names, never from a copied index."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from viodat.errors import ConfigError
from viodat.joints import JOINTS, ROOT_JOINTS, other_side, without_side


@dataclass(frozen=True)
class JointSet:
    """Joints in their order.

    Attributes
    ----------
    name
        As ``joints=`` has it.
    names
        Of the joints.
    root
        The root is the mean of these.
    """

    name: str
    names: tuple[str, ...]
    root: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.names)

    @property
    def mirror(self) -> tuple[int, ...]:
        """Index of each joint's counterpart on the other side; its own where it has none."""
        return tuple(self.names.index(other_side(name)) for name in self.names)

    @property
    def root_indices(self) -> tuple[int, ...]:
        """Indices of the joints whose mean is the root."""
        return tuple(self.names.index(name) for name in self.root)

    def weights(self, by_part: Mapping[str, float], default: float) -> tuple[float, ...]:
        """Give each joint's weight: that of its name without its side, else ``default``."""
        return tuple(by_part.get(without_side(name), default) for name in self.names)


VIODAT18: Final = JointSet("viodat18", JOINTS, tuple(JOINTS[index] for index in ROOT_JOINTS))
H36M17: Final = JointSet(
    "h36m17",
    (
        "pelvis", "right_hip", "right_knee", "right_ankle", "left_hip", "left_knee", "left_ankle", "spine", "thorax",
        "neck", "head", "left_shoulder", "left_elbow", "left_wrist", "right_shoulder", "right_elbow", "right_wrist",
    ),
    ("pelvis",),
)  # fmt: skip
_BUILT_IN: Final = {one.name: one for one in (VIODAT18, H36M17)}


def joint_set(joints: str | Sequence[str] | JointSet) -> JointSet:
    """Give a set of joints by its name, or of names.

    Parameters
    ----------
    joints
        ``viodat18``, ``h36m17`` (Human3.6M, in the order of VideoPose3D), or names: with ``pelvis``, or
        ``left_pelvis`` and ``right_pelvis``, or ``left_hip`` and ``right_hip``, of which the root is made.

    Raises
    ------
    ConfigError
        There is no such set, a name is there twice or without its other side, or there is no root.
    """
    if isinstance(joints, JointSet):
        return joints
    if isinstance(joints, str):
        if joints not in _BUILT_IN:
            raise ConfigError(f"there are no joints {joints!r}; expected {', '.join(_BUILT_IN)}, or a list of names")
        return _BUILT_IN[joints]
    names = tuple(joints)
    for known in _BUILT_IN.values():
        if names == known.names:
            return known
    twice = [name for name in names if names.count(name) > 1]
    alone = [name for name in names if other_side(name) not in names]
    if twice or alone:
        wrong = f"{twice[0]} is there twice" if twice else f"{alone[0]} is there without {other_side(alone[0])}"
        raise ConfigError(f"joints cannot be mirrored: {wrong}")
    for root in (("pelvis",), ("left_pelvis", "right_pelvis"), ("left_hip", "right_hip")):
        if set(root) <= set(names):
            return JointSet("named", names, root)
    raise ConfigError(
        "joints have no root: expected pelvis, or left_pelvis and right_pelvis, or left_hip and right_hip among them"
    )
