"""The models' equations as their papers have them, in plain PyTorch: what viodat's own are timed against.

Attention matrices are stored, nothing is fused, computed again or left out, and lengths are those inside the papers'
networks (m; mm for VioPose). Inputs, outputs and constructors' options are those of viodat's models and of their
``official_forward``, parameters have their names, and :func:`take` copies them.
"""

from __future__ import annotations

import torch
from torch import nn

_PROJECTIONS = ("query", "key", "value")


def take(plain: nn.Module, network: nn.Module) -> None:
    """Give a transcription the parameters and statistics of a network of viodat's, which must be all that it has."""
    state = {}
    wanted = plain.state_dict()
    for name, value in network.state_dict().items():
        apart = [name.replace(".qkv.", f".{one}.") for one in _PROJECTIONS]
        if name not in wanted and apart[0] in wanted:
            state.update(zip(apart, value.chunk(3), strict=True))
        else:
            state[name] = value
    with torch.no_grad():
        plain.load_state_dict(state)
