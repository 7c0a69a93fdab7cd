"""Solids that a figure is built from: tapered capsules, each stretched by a linear map.

A solid is the union of all balls between a ball of radius ``r0`` at the local origin and one of radius ``r1`` at
(0, 0, length), mapped into the world by ``x = origin + axes @ local``. With length 0 it is an ellipsoid, with
unequal axes a flattened limb; one intersection formula serves all of them. Lengths are mm, world frame.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Self

import numpy as np
from numpy.typing import NDArray

from viodat.synth.vectors import FloatArray, unit

IntArray = NDArray[np.int64]


@dataclass(frozen=True)
class Finish:
    """How a surface looks.

    Attributes
    ----------
    rgb
        Colour as seen in white light, 0 to 255.
    gloss
        Strength of the highlight, 0 (cloth) to 1 (varnish).
    folds
        How far the normal is bent by folds of cloth, 0 to about 0.4.
    texture
        Layer of :func:`viodat.synth.picture.textures.atlas` laid over the colour, -1 for none.
    """

    rgb: tuple[float, float, float]
    gloss: float = 0.0
    folds: float = 0.0
    texture: int = -1


@dataclass(frozen=True)
class Surfaces:
    """What stays with P solids over time.

    Attributes
    ----------
    colour
        (P, 4) linear red, green and blue from 0 to 1, and gloss.
    folds
        (P,).
    texture
        (P,) layer, -1 for none.
    mapping
        (P, 3, 4): rows give texture column and row, each from 0 to 1, and how much the surface faces the texture,
        from local coordinates (x, y, z, 1); the texture shows where the third is positive.
    clip
        (P, 4): only local points with ``clip[:3] @ local <= clip[3]`` belong to the solid.
    """

    colour: FloatArray
    folds: FloatArray
    texture: IntArray
    mapping: FloatArray
    clip: FloatArray


@dataclass(frozen=True)
class Figure:
    """P solids at one instant: ``origin`` (P, 3), ``axes`` (P, 3, 3), ``shape`` (P, 3) of length, r0, r1; mm, world."""

    origin: FloatArray
    axes: FloatArray
    shape: FloatArray
    surfaces: Surfaces

    def blended(self, others: tuple[Figure, ...], weights: tuple[float, ...]) -> Figure:
        """Weighted sum of the places of this figure and of others with the same solids; weights sum to 1."""
        figures = (self, *others)

        def blend(name: str) -> FloatArray:
            return np.asarray(sum(w * getattr(f, name) for w, f in zip(weights, figures, strict=True)))

        return Figure(blend("origin"), blend("axes"), blend("shape"), self.surfaces)


@dataclass(frozen=True)
class Figures:
    """The same P solids at T instants; ``figures[i]`` is one instant."""

    origin: FloatArray
    axes: FloatArray
    shape: FloatArray
    surfaces: Surfaces

    def __len__(self) -> int:
        return len(self.origin)

    def __getitem__(self, instant: int) -> Figure:
        return Figure(self.origin[instant], self.axes[instant], self.shape[instant], self.surfaces)


_NO_CLIP = (0.0, 0.0, 0.0, 1.0)
_NO_MAPPING = np.zeros((3, 4))


@dataclass
class Modeller:
    """Collects solids for T instants; every method returns the modeller, so calls can be chained."""

    instants: int
    _origin: list[FloatArray] = field(default_factory=list)
    _axes: list[FloatArray] = field(default_factory=list)
    _shape: list[tuple[FloatArray, float, float]] = field(default_factory=list)
    _finish: list[Finish] = field(default_factory=list)
    _clip: list[tuple[float, float, float, float]] = field(default_factory=list)
    _mapping: list[FloatArray] = field(default_factory=list)

    def limb(
        self,
        start: FloatArray,
        end: FloatArray,
        radii_mm: tuple[float, float],
        finish: Finish,
        *,
        across: FloatArray | None = None,
        flat: float = 1.0,
    ) -> Self:
        """Add a tapered capsule from ``start`` to ``end`` (T, 3).

        ``radii_mm`` holds across ``across``; square to it the solid is ``flat`` times as thick. Where ``across`` points
        along the solid, some direction square to it is taken.
        """
        along = end - start
        length = np.linalg.norm(along, axis=-1)
        z = along / np.maximum(length, 1e-9)[:, None]
        x = np.where(np.abs(z[:, :1]) < 0.8, [[1.0, 0, 0]], [[0, 1.0, 0]])
        if across is not None:
            # An ``across`` that points along the solid, as on the violin's bridge, gives no direction.
            apart = np.linalg.norm(np.cross(z, across), axis=-1, keepdims=True)
            x = np.where(apart > 1e-3, across, x)
        y = unit(np.cross(z, x))
        axes = np.stack([np.cross(y, z), flat * y, z], axis=-1)
        # Where one ball holds the other the cone between them does not exist.
        radii = radii_mm[0], radii_mm[1]
        return self._add(start, axes, (np.maximum(length, abs(radii[0] - radii[1]) * 1.01 + 1e-3), *radii), finish)

    def ellipsoid(
        self,
        centre: FloatArray,
        axes: FloatArray,
        radii_mm: tuple[float, float, float],
        finish: Finish,
        *,
        clip: tuple[float, float, float, float] = _NO_CLIP,
        mapping: FloatArray = _NO_MAPPING,
    ) -> Self:
        """Add an ellipsoid; ``clip`` and ``mapping`` speak of the unit ball before it is stretched."""
        stretched = axes * np.asarray(radii_mm)
        return self._add(centre, stretched, (np.zeros(self.instants), 1.0, 1.0), finish, clip, mapping)

    def _add(
        self,
        origin: FloatArray,
        axes: FloatArray,
        shape: tuple[FloatArray, float, float],
        finish: Finish,
        clip: tuple[float, float, float, float] = _NO_CLIP,
        mapping: FloatArray = _NO_MAPPING,
    ) -> Self:
        self._origin.append(origin)
        self._axes.append(axes)
        self._shape.append(shape)
        self._finish.append(finish)
        self._clip.append(clip)
        self._mapping.append(mapping)
        return self

    def built(self) -> Figures:
        """All solids so far."""
        shape = np.empty((self.instants, len(self._shape), 3))
        for i, (length, r0, r1) in enumerate(self._shape):
            shape[:, i, 0], shape[:, i, 1], shape[:, i, 2] = length, r0, r1
        rgb = np.array([finish.rgb for finish in self._finish]) / 255
        gloss = np.array([[finish.gloss] for finish in self._finish])
        surfaces = Surfaces(
            colour=np.concatenate([rgb**2, gloss], axis=1),
            folds=np.array([finish.folds for finish in self._finish]),
            texture=np.array([finish.texture for finish in self._finish], dtype=np.int64),
            mapping=np.stack(self._mapping),
            clip=np.array(self._clip),
        )
        return Figures(np.stack(self._origin, axis=1), np.stack(self._axes, axis=1), shape, surfaces)
