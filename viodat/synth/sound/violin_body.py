"""The violin's body: from the force on the bridge (N) to the sound pressure at 1 m, as a sum of damped modes.

A handful of signature modes, a spread of plate modes that grow denser with frequency, and the rise around
2.3 kHz called the bridge hill. The modes make a note's loudness depend on its pitch, so that vibrato swings
the amplitude of each partial as it does on an instrument. Frequencies of the signature modes are rounded from
those reported for good violins (Bissinger 2008, "Structural acoustics of good and bad violins", J. Acoust. Soc.
Am. 124, 1764–1773: A0 near 280, CBR near 400, the two B1 near 470 and 540 Hz); damping and strengths, and
all of the plate modes, are viodat's choice. One body, the same in every take: no measured violin.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from scipy.signal import oaconvolve

from viodat.errors import ConfigError
from viodat.synth.vectors import FloatArray

# Hz, quality factor, strength.
SIGNATURE_MODES = ((278.0, 16.0, 0.45), (402.0, 30.0, 0.35), (468.0, 32.0, 1.0), (545.0, 30.0, 1.0))
# Everything below is viodat's choice.
_PLATE_FROM_HZ, _PLATE_TO_HZ, _PLATE_MODES, _PLATE_Q = 640.0, 9_000.0, 44, 38.0
_HILL_HZ, _HILL_OCTAVES, _HILL_GAIN = 2_300.0, 0.45, 1.6
_ROLL_OFF_HZ = 4_500.0
_DIRECT = 0.12  # share that radiates at once, without resonance
_SECONDS = 0.25  # the slowest mode has fallen by 60 dB
_PASCAL_PER_NEWTON = 1.2  # a stroke at middling force is then near 78 dB re 20 µPa


def body_modes() -> FloatArray:
    """(M, 3) frequency in Hz, quality factor, signed strength of each mode, from low to high."""
    order = np.arange(_PLATE_MODES)
    # The golden ratio spreads the modes unevenly, without a random draw that a seed would have to carry.
    scatter = (order * 0.6180339887) % 1 - 0.5
    place = (order + 0.5 + 0.7 * scatter) / _PLATE_MODES
    hertz = _PLATE_FROM_HZ * (_PLATE_TO_HZ / _PLATE_FROM_HZ) ** place
    hill = 1 + _HILL_GAIN * np.exp(-0.5 * (np.log2(hertz / _HILL_HZ) / _HILL_OCTAVES) ** 2)
    strength = 0.55 * hill / np.sqrt(1 + (hertz / _ROLL_OFF_HZ) ** 4) * np.where(order % 3 == 1, -1.0, 1.0)
    plates = np.stack([hertz, _PLATE_Q * (1 + 0.5 * scatter), strength], axis=1)
    return np.concatenate([np.array(SIGNATURE_MODES), plates])


@lru_cache(maxsize=4)
def _impulse_response(rate_hz: float) -> FloatArray:
    t = np.arange(round(_SECONDS * rate_hz)) / rate_hz
    response = np.zeros(t.size)
    for hertz, quality, strength in body_modes():
        if hertz < 0.45 * rate_hz:
            decay = np.pi * hertz / quality
            # Unit gain at resonance for strength 1: a decaying cosine sums to rate / (2 decay).
            response += strength * 2 * decay / rate_hz * np.exp(-decay * t) * np.cos(2 * np.pi * hertz * t)
    response[0] += _DIRECT
    response -= response.mean()  # a body radiates nothing at 0 Hz
    response.flags.writeable = False
    return response


def body_gain_db(frequency_hz: FloatArray, rate_hz: float = 44_100.0) -> FloatArray:
    """(F,) gain of the body at (F,) frequencies in Hz: dB relative to 1 Pa at 1 m per N on the bridge."""
    response = _impulse_response(rate_hz)
    phase = np.exp(-2j * np.pi * np.outer(np.asarray(frequency_hz) / rate_hz, np.arange(response.size)))
    return np.asarray(20 * np.log10(_PASCAL_PER_NEWTON * np.abs(phase @ response)))


def radiate(bridge_force_n: FloatArray, rate_hz: float = 44_100.0) -> FloatArray:
    """Sound pressure at 1 m without a room.

    Parameters
    ----------
    bridge_force_n
        (N,) force of the strings on the bridge in N.

    Returns
    -------
    (N,) Pa. The travelling time over that metre is left to :mod:`viodat.synth.sound.room`.
    """
    force = np.asarray(bridge_force_n, dtype=np.float64)
    if force.ndim != 1:
        raise ConfigError(f"the force on the bridge has shape {force.shape}; expected (N,)")
    if force.size == 0:
        return np.zeros(0)
    return np.asarray(_PASCAL_PER_NEWTON * oaconvolve(force, _impulse_response(rate_hz))[: force.size])
