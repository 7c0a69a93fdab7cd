"""The devices' own clocks: what each calls the time at which something happens.

Mocap time is seconds with C3D frame number 1 at 0. Device time is seconds on a recorder's quartz with its first
recorded audio sample at 0. A quartz runs fast or slow by some tens of parts per million (ppm), and wanders by a few ppm
as it warms; both are smooth, so device time is an analytic, increasing function of mocap time. Ranges are
viodat's choice within what the twin has to show: starts within ±5 s, drift within ±100 ppm.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import ArrayLike

from viodat.errors import ConfigError
from viodat.synth.vectors import FloatArray

START_S: Final = (-5.0, 5.0)
MOST_PPM: Final = 100.0
_DRAWN_PPM = 90.0
"""A quartz's own drift is drawn within this, so that wander and warmth keep it within :data:`MOST_PPM`."""
_TRIAL_PPM, _MOST_TRIAL_PPM = 1.0, 4.0
_WANDER_PPM = (0.5, 1.5)
_WANDER_PERIOD_S = (30.0, 240.0)
_WAVES = 3
_NEWTON_STEPS = 4
_ROW_S = 1.0


@dataclass(frozen=True)
class DeviceClock:
    """The clock of one recording.

    Attributes
    ----------
    start_s
        Mocap time at which device time is 0.
    ppm
        Mean drift: positive where the device counts more seconds than pass.
    waves
        (ppm, period in s, phase in rad) of each sine of the wander of the rate.
    """

    start_s: float
    ppm: float = 0.0
    waves: tuple[tuple[float, float, float], ...] = ()

    def device(self, mocap_s: ArrayLike) -> FloatArray:
        """Device time in s at mocap times in s, of any shape; before the start it is negative."""
        elapsed = np.asarray(mocap_s, dtype=np.float64) - self.start_s
        return np.asarray(elapsed + self._gained(elapsed))

    def mocap(self, device_s: ArrayLike) -> FloatArray:
        """Mocap time in s at device times in s, of any shape: the inverse of :meth:`device`, to rounding."""
        device = np.asarray(device_s, dtype=np.float64)
        elapsed = device.copy()
        # The rate is 1 within 1e-4, so each step leaves a ten-thousandth of the error.
        for _ in range(_NEWTON_STEPS):
            elapsed = elapsed - (elapsed + self._gained(elapsed) - device)
        return np.asarray(elapsed + self.start_s)

    def rate_ppm(self, mocap_s: ArrayLike) -> FloatArray:
        """How much faster than mocap time the device counts at mocap times in s, ppm."""
        elapsed = np.asarray(mocap_s, dtype=np.float64) - self.start_s
        rate = np.full(elapsed.shape, self.ppm)
        for ppm, period, phase in self.waves:
            rate += ppm * np.sin(2 * np.pi * elapsed / period + phase)
        return rate

    def _gained(self, elapsed_s: FloatArray) -> FloatArray:
        """Seconds that the device is ahead after so many seconds: the integral of its rate."""
        gained = self.ppm * elapsed_s
        for ppm, period, phase in self.waves:
            turn = 2 * np.pi / period
            gained = gained + ppm / turn * (np.cos(phase) - np.cos(turn * elapsed_s + phase))
        return np.asarray(gained * 1e-6)


def draw_ppm(rng: np.random.Generator) -> float:
    """Draw the drift that a device's quartz always has, ppm."""
    return float(rng.uniform(-_DRAWN_PPM, _DRAWN_PPM))


def draw_clock(
    rng: np.random.Generator, ppm: float | None = None, start_range_s: tuple[float, float] = START_S
) -> DeviceClock:
    """Draw the clock of one recording.

    Parameters
    ----------
    ppm
        Drift of the device's quartz (:func:`draw_ppm`), from which this recording's differs by about 1 ppm; drawn
        where None.
    start_range_s
        Earliest and latest mocap time at which the recording starts, s.

    Raises
    ------
    ConfigError
        A drift beyond ±100 ppm, or a range that ends before it begins.
    """
    low, high = start_range_s
    if not low <= high:
        raise ConfigError(f"a recording can't start between {low:g} and {high:g} s", mend="Give (earliest, latest).")
    mean = draw_ppm(rng) if ppm is None else ppm
    if not abs(mean) <= MOST_PPM:
        raise ConfigError(f"a clock that drifts by {mean:g} ppm", mend=f"Use -{MOST_PPM:g} to {MOST_PPM:g} ppm.")
    warmth = float(np.clip(rng.normal(0, _TRIAL_PPM), -_MOST_TRIAL_PPM, _MOST_TRIAL_PPM))
    waves = tuple(
        (
            float(rng.uniform(*_WANDER_PPM)),
            float(np.exp(rng.uniform(*np.log(_WANDER_PERIOD_S)))),
            float(rng.uniform(0, 2 * np.pi)),
        )
        for _ in range(_WAVES)
    )
    room = MOST_PPM - sum(wave[0] for wave in waves)
    return DeviceClock(float(rng.uniform(low, high)), float(np.clip(mean + warmth, -room, room)), waves)


def audio_clock_rows(clock: DeviceClock, seconds: float) -> tuple[FloatArray, FloatArray]:
    """Tabulate a clock once per device second, and at the end of the recording.

    Parameters
    ----------
    seconds
        Length of the recording on the device's clock.

    Returns
    -------
    device_s, mocap_s
        (R,) s each. Of the clock alone: the travelling time of sound is not in them.
    """
    device = np.arange(0.0, seconds, _ROW_S)
    device = np.append(device, seconds) if seconds > device[-1] else device
    return device, clock.mocap(device)
