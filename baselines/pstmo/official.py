"""Published checkpoints of P-STMO, of either stage."""

from __future__ import annotations

from typing import Any, Final

from viodat.baselines.parts.official import Arrays, load_official, tensors_of
from viodat.baselines.parts.strided import ARGUMENTS, UNUSED, arguments_of, names_of
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

_MASKING: Final = {
    **ARGUMENTS,
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
    network = PStmo(**arguments_of(config))
    load_official(network, tensors_of(state), names_of(network, ENCODER), UNUSED)
    return network


def pretrain_from_official(state: Arrays, **config: Any) -> MaskedPStmo:
    """Give the first stage with a published checkpoint's parameters; as :func:`from_official`.

    Arguments are also ``spatial_mask_num`` and ``temporal_mask_rate``.
    """
    network = MaskedPStmo(**arguments_of(config, _MASKING, idle=("stride_num",)))
    load_official(network, tensors_of(state), names_of(network, MASKED), UNUSED)
    return network
