"""Published checkpoints of VioPose, which are Keras's.

Parameters go by the path of attributes that leads to them (``pose_blocks.0.multi_att.wq.kernel``), or by the names
that Keras gave them (``Pose_block_1/multi_head_attention_9/dense_40/kernel:0``). The numbers in the latter count all
layers that a process had made before, so only their order says what they are of.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from torch import Tensor
from viodat.baselines.parts.official import (
    Arrays,
    OfficialNames,
    load_official,
    official_joints,
    official_names,
    tensors_of,
)
from viodat.baselines.viopose.model import VioPose, rows_of_sound

from viodat.dataset.paths import FEATURE_RATES_HZ
from viodat.errors import ConfigError

_TOGETHER: Final = "spatial_to_temporal"
RENAMED: Final = (
    (r"^pose_encoder\.embedding\.", "pose_module_embedding.net."),
    (r"^pose_encoder\.position\.", "pose_module_PE."),
    (r"^pose_encoder\.blocks\.", "pose_module_block."),
    (r"^pose_encoder\.together\.", f"{_TOGETHER}."),
    (r"^audio_encoder\.convolutions\.layers\.", "audio_cnn_block."),
    (r"^audio_encoder\.convolutions\.norms\.", "audio_batch_norm_block."),
    (r"^audio_encoder\.resampling\.", "audio_resample_mlp."),
    (r"^audio_encoder\.embedding\.", "audio_embedding.net."),
    (r"^audio_encoder\.position\.", "audio_PE."),
    (r"^audio_encoder\.blocks\.", "audio_trans_block."),
    (r"^fusion\.", "fusion_embedding."),
    (r"^acceleration_level\.position\.", "fusion_PE."),
    (r"^acceleration_level\.blocks\.", "fusion_block."),
    (r"^acceleration_level\.norms\.", "fuse_batch_norm_block."),
    (r"^velocity_level\.position\.", "vel_PEs."),
    (r"^velocity_level\.blocks\.", "vel_blocks."),
    (r"^velocity_level\.norms\.", "vel_norm."),
    (r"^pose_level\.position\.", "pose_PEs."),
    (r"^pose_level\.blocks\.", "pose_blocks."),
    (r"^pose_level\.norms\.", "pose_norm."),
    (r"^acceleration_head\.0\.", "audio_last_mlp2."),
    (r"^acceleration_head\.2\.", "audio_last_mlp3."),
    (r"^acceleration_head\.4\.", "audio_regression."),
    (r"^velocity_head\.", "vel_regression_mlp."),
    (r"^pose_head\.", "to_full_frame."),
    (r"\.attention\.out\.", ".multi_att.to_out."),
    (r"\.mlp\.0\.", ".MLP.layer1."),
    (r"\.mlp\.3\.", ".MLP.layer2."),
    (r"_PE(s?)\.embedding$", r"_PE\1.pos_embedding"),
    (r"((?:norm\d?|norm_block)(?:\.\d+)?)(?:\.norm)?\.weight$", r"\1.gamma"),
    (r"((?:norm\d?|norm_block)(?:\.\d+)?)(?:\.norm)?\.bias$", r"\1.beta"),
    (r"(?:\.norm)?\.running_mean$", ".moving_mean"),
    (r"(?:\.norm)?\.running_var$", ".moving_variance"),
    (r"\.weight$", ".kernel"),
)

_SCOPES: Final = {
    "upsampling_embedding": "pose_module_embedding.net",
    "upsampling_PE": "pose_module_PE",
    "upsampling_block": "pose_module_block",
    "to_full": "to_full_frame",
    "Vel_regression": "vel_regression_mlp",
    "Vel_PE": "vel_PEs",
    "Vel_block": "vel_blocks",
    "Vel_norm": "vel_norm",
    "Pose_PE": "pose_PEs",
    "Pose_block": "pose_blocks",
    "Pose_norm": "pose_norm",
    "Audio_CNN_1D": "audio_cnn_block",
    "Audio_batch_norm": "audio_batch_norm_block",
    "fuse_batch_norm": "fuse_batch_norm_block",
    "fusion_PE": "fusion_PE",
    "fusion_embedding": "fusion_embedding",
    "Audio_audio_embedding": "audio_embedding.net",
    "Audio_audio_PE": "audio_PE",
    "Audio_audio_transformer": "audio_trans_block",
    "Audio_cross_transformer": "fusion_block",
    "Audio_resample": "audio_resample_mlp",
    "Audio_last_mlp2": "audio_last_mlp2",
    "Audio_last_mlp3": "audio_last_mlp3",
    "Audio_to_rotation": "audio_regression",
}
"""Keras's name of a layer of the model, without the number of a repeated one, and the attribute that holds it."""

_INSIDE: Final = {
    "layer_normalization": ("norm1", "norm2"),
    "multi_head_attention": ("multi_att",),
    "mlp": ("MLP",),
    "multi_head_attention/dense": ("multi_att.wq", "multi_att.wv", "multi_att.wk", "multi_att.to_out"),
    "mlp/dense": ("MLP.layer1", "MLP.layer2"),
}
"""Kind of layer inside a block -> what those of that kind are, in the order of their numbers."""


def from_official(state: Arrays, **config: Any) -> VioPose:
    """Give VioPose with a published checkpoint's parameters.

    Parameters
    ----------
    state
        Official name -> array, by paths of attributes or by Keras's names.
    config
        ``MODEL`` of the official configuration; ``joints`` may name the joints.

    Raises
    ------
    ConfigError
        A parameter is missing, left over or of another shape (shapes are told in PyTorch's order), or the
        configuration is not one of VioPose's.
    """
    tensors = tensors_of(state)
    if any("/" in name or name.endswith(":0") for name in tensors):
        tensors = by_path(tensors)
    network = VioPose(**_options(config))
    names = names_of(network)
    tensors = _with_together(tensors, names)
    load_official(network, {name: _turned(name, value) for name, value in tensors.items()}, names)
    return network


def names_of(network: VioPose) -> dict[str, tuple[str, ...]]:
    """Give the official names, by paths of attributes, of each parameter and buffer."""
    names = official_names(network, RENAMED)
    for ours, (theirs,) in names.items():
        if theirs.endswith("attention.qkv.kernel"):
            stem = theirs.removesuffix("attention.qkv.kernel") + "multi_att."
            names[ours] = tuple(f"{stem}{which}.kernel" for which in ("wq", "wk", "wv"))
        elif not network.audio and theirs.startswith("fusion_PE."):
            # Without sound the first level's position goes by the name of that of the sound.
            names[ours] = (theirs.replace("fusion_PE.", "audio_PE."),)
    return names


def by_path(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Give parameters by path of attributes for those by Keras's names, which other scopes may stand before.

    One that is of none of VioPose's layers keeps its name.

    Raises
    ------
    ConfigError
        A block has more layers of a kind than VioPose's.
    """
    parted = {name: _within_scope(name) for name in tensors}
    found = {}
    for name, value in tensors.items():
        scope, inside = parted[name]
        path = scope
        prefix: tuple[str, ...] = ()
        for layer in inside[:-1]:
            kind = "/".join(_kind(one) for one in (*prefix, layer))
            alike = {
                _number(other[len(prefix)])
                for of, other in parted.values()
                if of == scope and other[: len(prefix)] == prefix and len(other) > len(prefix) + 1
                and _kind(other[len(prefix)]) == _kind(layer)
            }  # fmt: skip
            place, known = sorted(alike).index(_number(layer)), _INSIDE.get(kind, ())
            if place >= len(known):
                raise ConfigError(f"the checkpoint has {name}, which VioPose has not")
            path, prefix = f"{scope}.{known[place]}", (*prefix, layer)
        leaf = "pos_embedding" if scope.endswith(("_PE", "_PEs")) else inside[-1]
        found[f"{path}.{leaf}"] = value
    return found


def _within_scope(name: str) -> tuple[str, tuple[str, ...]]:
    """Give the attribute that a Keras name lies below, and the rest of the name."""
    parts = name.removesuffix(":0").split("/")
    for k in range(len(parts) - 1, -1, -1):
        part = parts[k]
        if part in _SCOPES:
            return _SCOPES[part], tuple(parts[k + 1 :]) or ("",)
        numbered = re.fullmatch(r"(.+)_(\d+)", part)
        if numbered and numbered[1] in _SCOPES:
            return f"{_SCOPES[numbered[1]]}.{int(numbered[2]) - 1}", tuple(parts[k + 1 :]) or ("",)
    return "/".join(parts[:-1]), (parts[-1],)


def _kind(layer: str) -> str:
    return re.sub(r"_\d+$", "", layer)


def _number(layer: str) -> int:
    found = re.search(r"_(\d+)$", layer)
    return int(found[1]) if found else 0


def _with_together(tensors: Mapping[str, Tensor], names: OfficialNames) -> dict[str, Tensor]:
    """Give a state whose layer from joints to frames, the one left over as its name is not published, goes by ours."""
    wanted = {theirs for several in names.values() for theirs in several}
    left = [name for name in tensors if name not in wanted]
    ours = sorted(wanted - tensors.keys())
    if ours != [f"{_TOGETHER}.bias", f"{_TOGETHER}.kernel"] or len(left) != 2:
        return dict(tensors)
    called = {name: f"{_TOGETHER}.{'bias' if tensors[name].dim() == 1 else 'kernel'}" for name in left}
    return {called.get(name, name): value for name, value in tensors.items()}


def _turned(name: str, value: Tensor) -> Tensor:
    """Give a kernel as PyTorch has it: outputs first, then inputs, then places."""
    return value.permute(-1, -2, *range(value.dim() - 2)) if name.endswith(".kernel") and value.dim() > 1 else value


def _options(config: Mapping[str, Any]) -> dict[str, Any]:
    model = config.get("MODEL", {})
    try:
        pose, sound = model["POSE_MODULE"], model["AUDIO_MODULE"]
        layers, of_sound, width = sound["CROSS_LAYERS"], sound["TRANS_LAYERS"], model["DYNAMIC_MODULE"]["DIM"]
        kind = pose["TYPE"]
        options = {
            "joints": official_joints(model["NUM_KEYPOINTS"], config.get("joints")),
            "frames": model["OUTPUT_FRAME"],
            "audio": "features" if of_sound else "none",
            "pose_encoder": kind,
            "width": width,
            "heads": model["NUM_HEADS"],
            "mlp": model["HIDDEN_DIM_RATIO"],
            "joint_width": pose["DIM"],
            "pose_layers": pose["LAYERS"],
            "layers": layers,
            "dropout": model["DROPOUT"],
        }
        if of_sound:
            rates = [rate for rate in FEATURE_RATES_HZ if rows_of_sound(options["frames"], rate) == sound["FRAME"]]
            options |= {
                "audio_frames": sound["FRAME"],
                "audio_rate_hz": rates[0] if rates else 100,
                "cnn": str(sound["CNN_TYPE"]).lower(),
                "filters": sound["CNN_FILTERS"],
                "kernels": sound["CNN_KERNELS"],
                "strides": sound["CNN_STRIDES"],
            }
    except (KeyError, TypeError) as error:
        raise ConfigError(
            f"the configuration lacks {error}",
            mend="Give MODEL of the configuration that the checkpoint was trained with.",
        ) from error
    expected = (
        ("POSE_MODULE.FRAME", pose.get("FRAME", options["frames"]), options["frames"]),
        ("POSE_MODULE.DIM", pose["DIM"], width if kind == "temporal" else pose["DIM"]),
        ("AUDIO_MODULE.DIM", sound.get("DIM", width) if of_sound else width, width),
        ("AUDIO_MODULE.TRANS_LAYERS", of_sound or layers, layers),
        (
            "DYNAMIC_MODULE.HIDDEN_DIM_RATIO",
            model["DYNAMIC_MODULE"].get("HIDDEN_DIM_RATIO", options["mlp"]),
            options["mlp"],
        ),
        ("CENTER_OUTPUT", model.get("CENTER_OUTPUT", False), False),
    )
    for name, value, wanted in expected:
        if value != wanted:
            raise ConfigError(f"the checkpoint was made with {name} = {value!r}; {wanted!r} was expected")
    return options
