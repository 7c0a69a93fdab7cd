"""Loops over frames and joints, compiled: typed as what they were."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeVar, cast

import numba

_F = TypeVar("_F", bound=Callable[..., object])
compiled: Final = cast("Callable[[_F], _F]", numba.njit(cache=True, nogil=True, error_model="numpy"))
