"""Takes that several tests look at: every level and style, several seeds."""

from __future__ import annotations

from functools import cache

import numpy as np

from viodat.synth.music.control import Control, control_signals
from viodat.synth.music.performance import Performance, draw_traits, perform
from viodat.synth.music.score import LEVELS, STYLES, Level, Style, write_piece

SECONDS = 20.0
RATE_HZ = 1000.0
SEEDS = range(6)


@cache
def take(level: Level, style: Style, seed: int, violin_scale: float = 1.0) -> Performance:
    rng = np.random.default_rng([seed, LEVELS.index(level), STYLES.index(style)])
    piece = write_piece(level, style, SECONDS, rng)
    return perform(piece, draw_traits(level, rng, violin_scale=violin_scale), rng)


@cache
def control(level: Level, style: Style, seed: int, violin_scale: float = 1.0) -> Control:
    return control_signals(take(level, style, seed, violin_scale), RATE_HZ)
