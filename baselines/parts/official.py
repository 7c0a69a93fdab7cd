"""Parameters of a published checkpoint, put into a network of ours by name.

A published checkpoint is a mapping of names to arrays and the arguments that its authors' constructor takes. A network
says by which official names its own parameters go; what is missing, left over or of another shape is refused.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from viodat.bench.joint_sets import H36M17, VIODAT18, JointSet, joint_set
from viodat.capture.spelling import did_you_mean
from viodat.errors import ConfigError

Arrays = Mapping[str, "NDArray[Any] | Tensor"]
OfficialNames = Mapping[str, tuple[str, ...]]
Substitution = Callable[[re.Match[str]], str]

_COUNTER: Final = "num_batches_tracked"


def official_names(network: nn.Module, renamed: Sequence[tuple[str, str | Substitution]]) -> dict[str, tuple[str, ...]]:
    """Give the official name of each parameter and buffer: ours after substitutions (pattern, replacement), in order.

    A model whose parameter is several official ones, stacked on the first axis, edits what this gives.
    """
    found: dict[str, tuple[str, ...]] = {}
    for ours in network.state_dict():
        theirs = ours
        for pattern, replacement in renamed:
            theirs = re.sub(pattern, replacement, theirs)
        found[ours] = (theirs,)
    return found


def tensors_of(state: Arrays) -> dict[str, Tensor]:
    """Give a published state as tensors, without the prefix that DataParallel puts before names."""
    return {
        name.removeprefix("module."): value.detach() if isinstance(value, Tensor) else torch.from_numpy(np.array(value))
        for name, value in state.items()
    }


def load_official(
    network: nn.Module, state: Mapping[str, Tensor], names: OfficialNames, unused: Iterable[str] = ()
) -> None:
    """Put a published state into a network, which takes the dtype of its arrays.

    Parameters
    ----------
    network
        Ours.
    state
        As :func:`tensors_of` gives it.
    names
        Our name -> the official ones, stacked on the first axis where there are several.
    unused
        Official names that nothing of the network stands for, as patterns.

    Raises
    ------
    ConfigError
        A parameter is missing, left over, or of another shape.
    """
    own = network.state_dict()
    wanted = [name for theirs in names.values() for name in theirs]
    missing = [name for name in wanted if name not in state and not name.endswith(_COUNTER)]
    if missing:
        raise ConfigError(f"the checkpoint lacks {_some(missing)}", mend="Give the arguments that it was trained with.")
    known = set(wanted)
    patterns = tuple(unused)
    extra = [name for name in state if name not in known and not any(re.fullmatch(one, name) for one in patterns)]
    if extra:
        raise ConfigError(
            f"the checkpoint has {_some(extra)}, which the model has not",
            mend="Give the arguments that it was trained with.",
        )
    taken = {}
    for ours, theirs in names.items():
        if theirs[0] not in state:
            continue
        parts, shape = [state[name] for name in theirs], own[ours].shape
        first = shape[0] // len(parts) if shape else 0
        expected = (first, *shape[1:]) if len(parts) > 1 else tuple(shape)
        for name, part in zip(theirs, parts, strict=True):
            if tuple(part.shape) != expected:
                raise ConfigError(
                    f"{name} of the checkpoint has the shape {_shape(part.shape)}; {_shape(expected)} was expected",
                    mend="Give the arguments that it was trained with.",
                )
        taken[ours] = torch.cat(parts) if len(parts) > 1 else parts[0]
    dtypes = {value.dtype for value in taken.values() if value.is_floating_point()}
    if len(dtypes) == 1:
        network.to(dtypes.pop())
    network.load_state_dict(taken, strict=False)


def given(config: Mapping[str, Any], names: Mapping[str, str], fixed: Mapping[str, tuple[Any, ...]]) -> dict[str, Any]:
    """Give our constructor's arguments for an official one's.

    Parameters
    ----------
    config
        Official arguments; those that are not there are left to the caller.
    names
        Official name -> ours.
    fixed
        Official arguments that our network has no choice for: name -> the values that mean what ours does.

    Raises
    ------
    ConfigError
        An argument is unknown, or has a value that our network cannot have.
    """
    for name, value in config.items():
        if name in fixed and value not in fixed[name]:
            raise ConfigError(f"the checkpoint was made with {name} = {value!r}; {fixed[name][0]!r} was expected")
        if name not in fixed and name not in names:
            raise ConfigError(
                f"the checkpoint's model has no argument {name!r}: {did_you_mean(name, [*names, *fixed], 'arguments')}"
            )
    return {names[name]: value for name, value in config.items() if name in names}


def shape_of(state: Mapping[str, Tensor], name: str) -> tuple[int, ...]:
    """Give the shape of an official parameter that tells how the network was made.

    Raises
    ------
    ConfigError
        It is not there.
    """
    if name not in state:
        raise ConfigError(f"the checkpoint lacks {name}", mend="Check that it is of this model.")
    return tuple(state[name].shape)


def blocks_in(state: Mapping[str, Tensor], prefix: str) -> int:
    """Count the numbered blocks ``prefix.0``, ``prefix.1`` ... of an official state."""
    pattern = re.compile(re.escape(prefix) + r"\.(\d+)\.")
    return 1 + max((int(found[1]) for name in state if (found := pattern.match(name))), default=-1)


def official_joints(count: int, joints: str | Sequence[str] | JointSet | None = None) -> JointSet:
    """Give the joints of a published network of so many.

    Human3.6M's for 17 and VioDat's for 18, unless ``joints`` says; for any other number joints that are known by their
    number alone, the first of which is the root and none of which has another side.

    Raises
    ------
    ConfigError
        ``joints`` are not so many.
    """
    if joints is not None:
        found = joint_set(joints)
        if len(found) != count:
            raise ConfigError(f"the checkpoint has {count} joints; {found.name} has {len(found)}")
        return found
    for known in (H36M17, VIODAT18):
        if len(known) == count:
            return known
    names = tuple(f"joint_{k + 1}" for k in range(count))
    return JointSet("numbered", names, names[:1])


def _some(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{names[0]} and {len(names) - 1} more"


def _shape(shape: Sequence[int]) -> str:
    return f"({', '.join(str(size) for size in shape)})"
