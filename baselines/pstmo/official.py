"""Published checkpoints of P-STMO, of either stage."""

from __future__ import annotations

from typing import Any, Final

from viodat.baselines.parts.official import Arrays, given, load_official, official_joints, tensors_of
from viodat.baselines.parts.strided import UNUSED, names_of
from viodat.baselines.pstmo.model import MaskedPStmo, PStmo

ENCODER: Final = (
    (r"^encoder\.first\.", "encoder.fc_1."),
    (r"^encoder\.norm\.", "encoder.bn_1."),
    (r"^encoder\.fc(\d)\.", r"encoder.layers.0.w\1."),
    (r"^encoder\.norm(\d)\.", r"encoder.layers.0.batch_norm\1."),
    (r"^encoder\.last\.", "encoder.fc_2."),
)
MASKED: Final = (
    *ENCODER,
    (r"^joint_token$", "spatial_mask_token"),
    (r"^frame_token$", "mask_token"),
    (r"^seen_norm\.weight$", "encoder_LN.a_2"),
    (r"^seen_norm\.bias$", "encoder_LN.b_2"),
    (r"^narrowing\.", "encoder_to_decoder."),
    (r"^restoring_position$", "dec_pos_embedding"),
    (r"^restoring_head\.norm\.", "fcn_dec.0."),
    (r"^restoring_head\.out\.", "fcn_dec.1."),
    (r"^restoring\.", "Transformer_dec.model."),
)

_SHARED: Final = {"layers": "layers", "channel": "width", "d_hid": "hidden", "frames": "frames"}
_LIFTING: Final = {**_SHARED, "stride_num": "strides"}
_MASKING: Final = {
    **_SHARED,
    "spatial_mask_num": "masked_joints",
    "temporal_mask_rate": "masked_frames",
    "_temporal_mask_rate": "masked_frames",
}


def from_official(state: Arrays, **config: Any) -> PStmo:
    """Give the second stage with a published checkpoint's parameters.

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
    network = PStmo(**_arguments(config, _LIFTING, ()))
    load_official(network, tensors_of(state), names_of(network, ENCODER), UNUSED)
    return network


def pretrain_from_official(state: Arrays, **config: Any) -> MaskedPStmo:
    """Give the first stage with a published checkpoint's parameters; as :func:`from_official`.

    Arguments are also ``spatial_mask_num`` and ``temporal_mask_rate``.
    """
    network = MaskedPStmo(**_arguments(config, _MASKING, ("stride_num",)))
    load_official(network, tensors_of(state), names_of(network, MASKED), UNUSED)
    return network


def _arguments(config: dict[str, Any], names: dict[str, str], idle: tuple[str, ...]) -> dict[str, Any]:
    """Give our arguments for official ones; ``idle`` mean nothing to this stage."""
    rest = {name: value for name, value in config.items() if name not in ("n_joints", "joints", *idle)}
    count = config.get("n_joints", config.get("out_joints", 17))
    found = given(rest, names, {"out_joints": (count,)})
    return {**found, "joints": official_joints(count, config.get("joints"))}
