"""Under which conventions poses are scored: data that is stored with every number and printed under every table.

Published numbers do not share one definition of MPJPE. A protocol says which joints count, what is done to the roots,
how windows become recordings and recordings one number. The built-in ones are ``protocols/*.toml``; one more is a file
of the same keys.
"""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from dataclasses import replace
from importlib.resources import files
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, ValidationError

from viodat.bench.poses import FloatArray, RecordingPoses
from viodat.errors import ConfigError
from viodat.joints import JOINTS

DEFAULT: Final = "viopose"
ROOT: Final = ("left_pelvis", "right_pelvis")


class Protocol(BaseModel):
    """How predictions are scored.

    Attributes
    ----------
    name
        As ``--protocol`` has it.
    title, source, note
        For tables: what to call it, where it is from, and what is particular about it.
    joints
        Those that count, by name; empty: all that the model has.
    root
        The root is the mean of these joints, in each frame.
    recentred
        Of which the root is made the origin: ``both``, the ``target`` only, or ``none``.
    counts_root
        Whether the root is scored as one more joint.
    average
        ``recordings``: a metric's mean over recordings, each of which counts the same; ``frames``: over all that counts
        in all of them.
    stitching
        How windows are put together: in ``centre`` each frame is from the window in which it lies nearest to the
        middle, so that every frame counts once.
    flipped
        Whether each prediction is averaged with that of its mirror image.
    unit
        Of positions.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    title: str
    source: str
    note: str = ""
    joints: tuple[str, ...] = ()
    root: tuple[str, ...] = ROOT
    recentred: Literal["both", "target", "none"] = "both"
    counts_root: bool = False
    average: Literal["recordings", "frames"] = "recordings"
    stitching: Literal["centre"] = "centre"
    flipped: bool = True
    unit: Literal["mm"] = "mm"

    def card(self) -> dict[str, Any]:
        """Give all of it as plain values, with the rule of NaN, to stand beside a number."""
        return {
            **self.model_dump(mode="json"),
            "nan": "joints in frames whose truth is undetermined do not count; a prediction that is NaN where it "
            "counts makes the number NaN",
        }

    def sentence(self) -> str:
        """Say in one line what a number under it means."""
        centred = {
            "both": "prediction and target are centred on their own root",
            "target": "the target is centred on its root, the prediction is taken as it comes",
            "none": "roots are as they come",
        }[self.recentred]
        root = f"root: mean of {' and '.join(self.root)}" if self.recentred != "none" else ""
        joints = f"{len(self.joints)} joints" if self.joints else "all joints"
        more = " and the root as one more" if self.counts_root else ""
        mean = "mean over recordings of each one's mean" if self.average == "recordings" else "mean over all frames"
        flipped = "averaged with the mirror image's" if self.flipped else "without flip averaging"
        parts = (centred, root, joints + more, f"{mean}, {self.unit}", f"every frame once, {flipped}")
        return f"{self.title}: {'; '.join(part for part in parts if part)}."

    def applied(self, poses: RecordingPoses, joints: Sequence[str] = JOINTS) -> RecordingPoses:
        """Give poses as they are scored.

        Parameters
        ----------
        poses
            With roots as they came.
        joints
            Names of their joints.

        Raises
        ------
        ConfigError
            The poses lack a joint that the protocol needs.
        """
        for name in (*self.joints, *self.root):
            if name not in joints:
                raise ConfigError(
                    f"protocol {self.name} needs the joint {name}, and there is none among {', '.join(joints)}",
                    mend="Choose a protocol of these joints.",
                )
        pelvis = [joints.index(name) for name in self.root]
        pred, target, valid = poses.pred, poses.target, poses.valid
        has_root = np.asarray(valid[:, pelvis].all(axis=1))
        if self.recentred != "none":
            # Where the root is undetermined, so is every place that counts from it.
            valid = valid & has_root[:, None]
            target = target - _root(target, pelvis)
        if self.recentred == "both":
            pred = pred - _root(pred, pelvis)
        columns = [joints.index(name) for name in self.joints or joints]
        scored = [(values[:, columns], _root(values, pelvis)) for values in (pred, target)]
        valid = valid[:, columns]
        if self.counts_root:
            scored = [(np.concatenate([values, root], axis=1), root) for values, root in scored]
            valid = np.concatenate([valid, has_root[:, None]], axis=1)
        return replace(poses, pred=scored[0][0], target=scored[1][0], valid=valid)


def _root(poses: FloatArray, joints: Sequence[int]) -> FloatArray:
    return np.asarray(poses[:, list(joints)].mean(axis=1, keepdims=True))


def _builtins() -> dict[str, str]:
    """Give the text of each built-in protocol by its name, the default first."""
    folder = files("viodat.bench") / "protocols"
    found = {
        path.name.removesuffix(".toml"): path.read_text("utf-8")
        for path in folder.iterdir()
        if path.name.endswith(".toml")
    }
    return dict(sorted(found.items(), key=lambda one: (one[0] != DEFAULT, one[0])))


def list_protocols() -> tuple[str, ...]:
    """Give the names of the built-in protocols, the default first."""
    return tuple(_builtins())


def load_protocol(name: str | Path = DEFAULT) -> Protocol:
    """Give a protocol by its name, or from a file of the same keys as the built-in ones.

    Raises
    ------
    ConfigError
        There is none of the name, or the file is no protocol.
    """
    builtins = _builtins()
    if str(name) in builtins:
        return _parsed(str(name), builtins[str(name)], str(name))
    path = Path(name)
    if path.suffix != ".toml":
        raise ConfigError(
            f"there is no protocol {str(name)!r}; there are {', '.join(builtins)}",
            mend="Name one of these, or a .toml file.",
        )
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"cannot be read ({error})", where=str(path)) from error
    return _parsed(path.stem, text, str(path))


def _parsed(name: str, text: str, where: str) -> Protocol:
    try:
        return Protocol.model_validate({"name": name, **tomllib.loads(text)})
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"is no TOML: {error}", where=where) from error
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(map(str, first["loc"]))
        known = ", ".join(Protocol.model_fields)
        hint = f"; its keys are {known}" if first["type"] == "extra_forbidden" else ""
        raise ConfigError(f"{key}: {first['msg']}{hint}", where=where) from error
