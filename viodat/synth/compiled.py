"""The decorator of loops that numba compiles, with its type kept for mypy."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

import numba

_F = TypeVar("_F", bound=Callable[..., Any])
compiled = cast("Callable[[_F], _F]", numba.njit(cache=True))
