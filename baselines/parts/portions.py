"""Batches answered in portions, where that is faster."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import torch
from torch import Tensor

_CACHED: Final = 2**21
"""Numbers in the tokens that a CPU works on at a time: what stays in its caches is not fetched from memory again."""


def in_portions(answer: Callable[[Tensor], Tensor], windows: Tensor, numbers: int, *, whole: bool = False) -> Tensor:
    """Answer windows (B, ...), of which each becomes so many numbers: all at once, or on a CPU some at a time.

    With ``whole``, and when something is learned, it is all at once. Else what is answered to a window must not depend
    on the others.
    """
    if whole or torch.is_grad_enabled() or windows.device.type != "cpu":
        return answer(windows)
    size = max(1, _CACHED // numbers)
    if len(windows) <= size:
        return answer(windows)
    return torch.cat([answer(part) for part in torch.split(windows, size)])
