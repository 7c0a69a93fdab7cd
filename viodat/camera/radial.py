"""Radial lens profiles: how far from the axis a ray lands, and the way back.

A profile is g(ρ) = ρ·N(ρ²)/D(ρ²) with polynomials N and D that are 1 at the axis. It describes a lens only
up to its first turning point: beyond it the polynomial folds back and would draw points from far outside
into the picture. Both directions are therefore NaN outside the first rising branch. ρ is whatever the lens
model measures with: the tangent of the ray's angle (OpenCV), the angle itself (fisheye), or pixels (Vicon).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]

_TABLE_POINTS = 513
_NEWTON_STEPS = 80
_FARTHEST = 1e12


@dataclass(frozen=True)
class RadialProfile:
    """g(ρ) = ρ·N(ρ²)/D(ρ²) on its first rising branch.

    Attributes
    ----------
    numerator, denominator
        Coefficients of N and D in rising powers of ρ², without the leading 1: ``(k1, k2, k3)`` is
        1 + k1ρ² + k2ρ⁴ + k3ρ⁶.
    end
        No ρ at or beyond this is used, even if the profile still rises there (π/2 for a fisheye's angle).
    """

    numerator: tuple[float, ...]
    denominator: tuple[float, ...] = ()
    end: float = np.inf

    @cached_property
    def limit(self) -> float:
        """The ρ at which the profile stops rising, or ``end`` if it rises till then."""
        top = np.polynomial.Polynomial([1.0, *self.numerator])
        bottom = np.polynomial.Polynomial([1.0, *self.denominator])
        # d/dρ [ρ N(u)/D(u)] with u = ρ²; its sign is that of N·D + 2u(N'·D − N·D').
        u = np.polynomial.Polynomial([0.0, 1.0])
        rise = top * bottom + 2 * u * (top.deriv() * bottom - top * bottom.deriv())
        turns = [root for poly in (rise, bottom) for root in _positive_roots(poly)]
        return float(min([self.end, *np.sqrt(turns)]))

    def factor(self, rho: FloatArray) -> FloatArray:
        """g(ρ)/ρ; NaN at and beyond :attr:`limit`."""
        inside = np.abs(rho) < self.limit
        square = np.where(inside, rho, np.nan) ** 2
        return _polynomial(self.numerator, square) / _polynomial(self.denominator, square)

    def inverse_factor(self, value: FloatArray) -> FloatArray:
        """ρ/g for a given g ≥ 0; NaN where the profile never reaches that g."""
        known = np.asarray(value, dtype=np.float64)
        if not any(self.numerator) and not any(self.denominator):
            return np.where(known < self.end, 1.0, np.nan)
        grid = self._grid(float(np.nanmax(known, initial=0.0, where=np.isfinite(known))))
        heights = grid * self.factor(grid)
        heights[0] = 0.0
        reachable = known < heights[-1]
        rho = np.where(reachable, np.interp(known, heights, grid), np.nan)
        # Newton from the table, held inside the table's cell, where the profile rises and has one root.
        cell = np.clip(np.searchsorted(heights, known, side="right"), 1, len(grid) - 1)
        low, high = grid[cell - 1], grid[cell]
        for _ in range(_NEWTON_STEPS):
            error = rho * self.factor(rho) - known
            low, high = np.where(error < 0, rho, low), np.where(error > 0, rho, high)
            stepped = rho - error / self._slope(rho)
            inside = (stepped >= low) & (stepped <= high)
            moved = np.where(inside, stepped, 0.5 * (low + high))
            settled = np.abs(moved - rho) <= 1e-15 * np.maximum(rho, 1e-3)
            rho = np.where(error == 0, rho, moved)
            if np.all(settled | (error == 0) | ~reachable):
                break
        factor = np.where(known > 0, rho / np.where(known > 0, known, 1.0), 1.0)
        return np.where(reachable, factor, np.nan)

    def _grid(self, target: float) -> FloatArray:
        """ρ from 0 to just inside the limit, or far enough that g reaches ``target``."""
        if np.isfinite(self.limit):
            return np.linspace(0.0, self.limit * (1 - 1e-9), _TABLE_POINTS)
        end = 1e-3
        while end * float(self.factor(np.array(end))) <= target and end < _FARTHEST:
            end *= 2
        return np.linspace(0.0, end, _TABLE_POINTS)

    def _slope(self, rho: FloatArray) -> FloatArray:
        square = rho**2
        top, bottom = _polynomial(self.numerator, square), _polynomial(self.denominator, square)
        top_d, bottom_d = _derivative(self.numerator, square), _derivative(self.denominator, square)
        return (top * bottom + 2 * square * (top_d * bottom - top * bottom_d)) / bottom**2


def _polynomial(coefficients: tuple[float, ...], square: FloatArray) -> FloatArray:
    total = np.zeros_like(square)
    for coefficient in reversed(coefficients):
        total = (total + coefficient) * square
    return total + 1.0


def _derivative(coefficients: tuple[float, ...], square: FloatArray) -> FloatArray:
    total = np.zeros_like(square)
    for power in range(len(coefficients), 0, -1):
        total = total * square + power * coefficients[power - 1]
    return total


def _positive_roots(polynomial: np.polynomial.Polynomial) -> list[float]:
    # A leading coefficient that is nothing beside the others would overflow the companion matrix.
    size = np.abs(polynomial.coef)
    coefficients = np.trim_zeros(np.where(size > 1e-150 * size.max(), polynomial.coef, 0.0), "b")
    if len(coefficients) < 2:
        return []
    roots = np.polynomial.Polynomial(coefficients).roots()
    real = roots[np.abs(roots.imag) <= 1e-9 * np.maximum(1.0, np.abs(roots))].real
    return [float(root) for root in real if root > 0 and np.isfinite(root)]
