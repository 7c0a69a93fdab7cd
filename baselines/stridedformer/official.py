"""Published checkpoints of StridedFormer and of its refinement."""

from __future__ import annotations

from typing import Any, Final

from viodat.baselines.parts.official import (
    Arrays,
    given,
    load_official,
    official_joints,
    official_names,
    tensors_of,
)
from viodat.baselines.parts.strided import UNUSED, arguments_of, names_of
from viodat.baselines.stridedformer.model import Refinement, StridedFormer

ENCODER: Final = ((r"^encoder\.embedding\.", "encoder.0."), (r"^encoder\.norm\.", "encoder.1."))
REFINEMENT: Final = ((r"^layers\.", "post_refine."),)


def from_official(state: Arrays, **config: Any) -> StridedFormer:
    """Give StridedFormer with a published checkpoint's parameters.

    Parameters
    ----------
    state
        Official name -> array.
    config
        ``layers``, ``channel``, ``d_hid``, ``frames``, ``n_joints``, ``out_joints``, ``stride_num``; ``joints`` may
        name the joints.

    Raises
    ------
    ConfigError
        A parameter is missing, left over or of another shape, or an argument is wrong.
    """
    network = StridedFormer(**arguments_of(config))
    load_official(network, tensors_of(state), names_of(network, ENCODER), UNUSED)
    return network


def refine_from_official(state: Arrays, **config: Any) -> Refinement:
    """Give the refinement with a published checkpoint's parameters; as :func:`from_official`.

    Arguments are ``n_joints``, ``in_channels`` and ``out_channels``.
    """
    count = config.get("n_joints", 17)
    rest = {name: value for name, value in config.items() if name not in ("n_joints", "joints")}
    given(rest, {}, {"out_joints": (count,), "in_channels": (2,), "out_channels": (3,)})
    network = Refinement(official_joints(count, config.get("joints")))
    load_official(network, tensors_of(state), official_names(network, REFINEMENT))
    return network
