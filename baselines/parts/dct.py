"""The discrete cosine transform of type II, unnormalised, and its inverse, as matrices.

X_k = 2 Σ_n x_n cos(π (2n + 1) k / 2N). Sequences here are short, so that a product with a matrix is the fastest way.
"""

from __future__ import annotations

import math
from functools import lru_cache

import torch
from torch import Tensor


def dct(x: Tensor, kept: int | None = None) -> Tensor:
    """Transform (B, N, C) along N; give the first ``kept`` coefficients, all if None: (B, K, C)."""
    return _matrix(x.shape[1], kept or x.shape[1], False, x.dtype, x.device) @ x


def inverse_dct(x: Tensor) -> Tensor:
    """Undo :func:`dct` of (B, N, C)."""
    return _matrix(x.shape[1], x.shape[1], True, x.dtype, x.device) @ x


# No buffer of a module: one that is made in float32 stays as coarse as that when the module is made float64.
@lru_cache(maxsize=64)
def _matrix(size: int, kept: int, inverse: bool, dtype: torch.dtype, device: torch.device) -> Tensor:
    with torch.inference_mode(False), torch.no_grad():
        places = 2 * torch.arange(size, dtype=torch.float64) + 1
        frequencies = torch.arange(kept, dtype=torch.float64)
        waves = torch.cos(math.pi * frequencies[:, None] * places / (2 * size))
        if inverse:
            shares = torch.full((kept, 1), 1.0 / size, dtype=torch.float64)
            shares[0] /= 2
            matrix = (shares * waves).T.contiguous()
        else:
            matrix = 2 * waves
        return matrix.to(device, dtype)
