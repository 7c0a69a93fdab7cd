"""The four strings of a violin under the bow: playing controls in, the force of the strings on the bridge out.

Both at audio rate (N,) on one clock; mm, mm/s, N and Hz at the interface. The stick–slip motion of each string
is computed by :mod:`viodat.synth.sound.waveguide`; nothing of the tone is painted on: starts, bow changes, scratching
and ringing follow from the controls. As on a violin, too light a bow gives the octave and too heavy a one a
creak (:func:`greatest_force_n`), and a heavy bow sounds a few cents flat.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.signal import resample_poly

from viodat.errors import ConfigError
from viodat.synth.sound.waveguide import DYNAMIC, OVERSAMPLING, SHORTEST, STATIC, run_string
from viodat.synth.vectors import FloatArray

RATE_HZ = 44_100.0
CONTROL_HZ = 1_000.0
LOWEST_HZ, HIGHEST_HZ = 180.0, 4_000.0  # viodat's choice: a little beyond the violin's compass


@dataclass(frozen=True)
class StringModel:
    """One string.

    Parameters
    ----------
    open_hz
        Frequency of the open string: fifths from A4 = 440 Hz, equal temperament.
    impedance_kg_s
        Wave impedance, tension / (2 · length · frequency): 45, 44, 52 and 74 N, the order of common string
        sets (viodat's choice), on 325 mm.
    loss_hz
        Corner of the low-pass at the bridge, which rounds the Helmholtz corner (viodat's choice).
    """

    open_hz: float
    impedance_kg_s: float
    loss_hz: float


STRINGS = {
    "G": StringModel(440.0 * 2 ** (-14 / 12), 0.353, 9_000.0),
    "D": StringModel(440.0 * 2 ** (-7 / 12), 0.230, 12_000.0),
    "A": StringModel(440.0, 0.182, 16_000.0),
    "E": StringModel(440.0 * 2 ** (7 / 12), 0.173, 24_000.0),
}
STRING_NAMES = tuple(STRINGS)  # the number of a string in ``bow_violin``

STRING_MM = 325.0  # viodat's choice; full-size violins lie within a few mm of it
# Decay by 60 dB of the lowest partial, all viodat's choice: an open string, one under a finger.
_OPEN_T60_S, _STOPPED_T60_S = 1.6, 0.6
_OPEN_CENTS = 30.0  # nearer to the open string than this, no finger is on it
# viodat's choice: unevenness of hair and rosin as a share of the bow force; a fingertip's tap in m/s.
_BOW_NOISE, _TAP_M_S, _TAP_S, _TAP_CENTS = 0.03, 0.01, 0.004, 40.0


def to_audio_rate(values: ArrayLike, control_hz: float = CONTROL_HZ, rate_hz: float = RATE_HZ) -> NDArray[Any]:
    """Bring a control signal to audio rate; sample k of either lies at k / rate after the same start.

    Parameters
    ----------
    values
        (M,) samples. Floats are interpolated linearly, NaN stays NaN up to its neighbours; booleans and
        integers (contact, string) take the nearest sample.

    Returns
    -------
    (round(M · rate_hz / control_hz),) samples; after the last control sample its value holds.
    """
    signal: NDArray[Any] = np.asarray(values)
    if signal.ndim != 1 or signal.size == 0:
        raise ConfigError(f"a control signal has shape {signal.shape}; expected (M,) with M > 0")
    place = np.arange(round(signal.size * rate_hz / control_hz)) * (control_hz / rate_hz)
    if signal.dtype.kind in "biu":
        return np.asarray(signal[np.minimum(np.floor(place + 0.5).astype(np.int64), signal.size - 1)])
    return np.asarray(np.interp(place, np.arange(signal.size), signal))


def greatest_force_n(string: str, f0_hz: ArrayLike, bow_speed_mm_s: ArrayLike, bow_bridge_mm: ArrayLike) -> FloatArray:
    """Force above which the corner can no longer tear the string off the bow, and the tone breaks, in N.

    2 Z v / (β (μ_static − μ_dynamic)), β the bow's distance from the bridge as a share of the sounding length
    (Schelleng 1973, "The bowed string and the player", J. Acoust. Soc. Am. 53, 26–41). Between about 0.2 and
    0.4 of it these strings sing at their pitch; much below, the octave comes, as with a bow too light.
    """
    model = _string(string)
    share = np.asarray(bow_bridge_mm) / (STRING_MM * model.open_hz / np.asarray(f0_hz))
    speed_m_s = np.abs(np.asarray(bow_speed_mm_s)) / 1000
    return np.asarray(2 * model.impedance_kg_s * speed_m_s / (share * (STATIC - DYNAMIC)))


def bow_violin(
    string: ArrayLike,
    f0_hz: ArrayLike,
    bow_speed_mm_s: ArrayLike,
    bow_force_n: ArrayLike,
    bow_bridge_mm: ArrayLike,
    contact: ArrayLike,
    rate_hz: float = RATE_HZ,
    *,
    rng: np.random.Generator,
) -> FloatArray:
    """Bow one string after another; those that the bow has left ring on.

    Parameters
    ----------
    string
        (N,) integers: the string that bow and finger are on, 0 G, 1 D, 2 A, 3 E (:data:`STRING_NAMES`).
    f0_hz, bow_speed_mm_s, bow_force_n, bow_bridge_mm, contact
        (N,) as in :func:`bow_string`, of that string.

    Returns
    -------
    (N,) force on the bridge in N, the sum over the strings.
    """
    number = np.asarray(string)
    if number.ndim != 1 or number.dtype.kind not in "iu" or (number.size and not 0 <= number.min() <= number.max() < 4):
        raise ConfigError("'string' must be (N,) integers from 0 (G) to 3 (E)")
    pitch, touching = np.asarray(f0_hz, dtype=np.float64), np.asarray(contact, dtype=bool)
    for name, signal in (("f0_hz", pitch), ("contact", touching)):
        if signal.shape != number.shape:
            raise ConfigError(f"'{name}' has shape {signal.shape}, 'string' has {number.shape}")
    total = np.zeros(number.size * OVERSAMPLING)
    for index, name in enumerate(STRING_NAMES):
        mine = number == index
        if (mine & touching).any():
            total += _inner_force(
                np.where(mine, pitch, np.nan),
                bow_speed_mm_s,
                bow_force_n,
                bow_bridge_mm,
                mine & touching,
                rate_hz,
                rng,
                name,
            )
    return _to_outer_rate(total)


def bow_string(
    f0_hz: ArrayLike,
    bow_speed_mm_s: ArrayLike,
    bow_force_n: ArrayLike,
    bow_bridge_mm: ArrayLike,
    contact: ArrayLike,
    rate_hz: float = RATE_HZ,
    *,
    rng: np.random.Generator,
    string: str | None = None,
) -> FloatArray:
    """Bow one string.

    Parameters
    ----------
    f0_hz
        (N,) pitch that the stopped string has, with its vibrato. NaN (nobody fingers it) holds the last one.
    bow_speed_mm_s
        (N,) speed of the bow across the string; the sign is the direction.
    bow_force_n
        (N,) normal force, ≥ 0.
    bow_bridge_mm
        (N,) distance of the bow from the bridge. Kept within what the delay lines can hold: at most half of
        the string, at least 3 mm at E7.
    contact
        (N,) whether the hair touches the string.
    rng
        Of the noise of hair and fingertips.
    string
        "G", "D", "A" or "E"; by default the highest on which the lowest pitch can be played.

    Returns
    -------
    (N,) force of the string on the bridge in N; it lags the motion under the bow by at most 0.3 ms.

    Raises
    ------
    ConfigError
        Shapes differ, or a control is outside what a violin can have.
    """
    inner = _inner_force(f0_hz, bow_speed_mm_s, bow_force_n, bow_bridge_mm, contact, rate_hz, rng, string)
    return _to_outer_rate(inner)


def _inner_force(
    f0_hz: ArrayLike,
    bow_speed_mm_s: ArrayLike,
    bow_force_n: ArrayLike,
    bow_bridge_mm: ArrayLike,
    contact: ArrayLike,
    rate_hz: float,
    rng: np.random.Generator,
    string: str | None,
) -> FloatArray:
    """Bow one string: (4 N,) force on the bridge at the inner rate."""
    signals = {
        "f0_hz": np.asarray(f0_hz, dtype=np.float64),
        "bow_speed_mm_s": np.asarray(bow_speed_mm_s, dtype=np.float64),
        "bow_force_n": np.asarray(bow_force_n, dtype=np.float64),
        "bow_bridge_mm": np.asarray(bow_bridge_mm, dtype=np.float64),
    }
    touching = np.asarray(contact, dtype=bool)
    _check(signals, touching)
    pitch = _held(signals["f0_hz"])
    if pitch.size == 0 or not touching.any():
        return np.zeros(pitch.size * OVERSAMPLING)
    model = _string(string) if string is not None else _highest_string(float(pitch.min()))
    inner_hz = rate_hz * OVERSAMPLING
    pole = float(np.exp(-2 * np.pi * model.loss_hz / inner_hz))
    period = inner_hz / pitch - _phase_delay(pole, pitch / inner_hz)
    share = np.nan_to_num(signals["bow_bridge_mm"], nan=30.0) / (STRING_MM * model.open_hz / pitch)
    bridge_side = np.clip(share * period, SHORTEST, 0.5 * period)
    stopped = 1200 * np.abs(np.log2(pitch / model.open_hz)) > _OPEN_CENTS
    gain = 10 ** (-3 / (pitch * np.where(stopped, _STOPPED_T60_S, _OPEN_T60_S)))
    force = np.where(touching, np.nan_to_num(signals["bow_force_n"]), 0.0)
    force *= np.maximum(1 + _BOW_NOISE * rng.standard_normal(pitch.size), 0.0)
    inner = np.zeros(pitch.size * OVERSAMPLING)
    run_string(
        inner,
        period - bridge_side,
        bridge_side,
        gain,
        np.nan_to_num(signals["bow_speed_mm_s"]) / 1000,
        force,
        _finger_taps(pitch, stopped, rate_hz, rng),
        model.impedance_kg_s,
        pole,
    )
    return inner


def _to_outer_rate(inner: FloatArray) -> FloatArray:
    if not inner.any():
        return np.zeros(inner.size // OVERSAMPLING)
    return np.asarray(resample_poly(inner, 1, OVERSAMPLING), dtype=np.float64)


def _check(signals: dict[str, FloatArray], contact: NDArray[np.bool_]) -> None:
    for name, signal in signals.items():
        if signal.ndim != 1 or signal.shape != contact.shape:
            raise ConfigError(f"'{name}' has shape {signal.shape}; expected (N,) as 'contact' has: {contact.shape}")
        needed = signal[contact]
        if name != "f0_hz" and not np.isfinite(needed).all():
            raise ConfigError(f"'{name}' is not finite in {(~np.isfinite(needed)).sum():,} samples with contact")
    pitch = signals["f0_hz"][~np.isnan(signals["f0_hz"])]
    if pitch.size == 0 and contact.any():
        raise ConfigError("'f0_hz' is NaN throughout, but the bow touches the string")
    if pitch.size and not (pitch.min() >= LOWEST_HZ and pitch.max() <= HIGHEST_HZ):
        raise ConfigError(f"'f0_hz' must lie in {LOWEST_HZ:g}–{HIGHEST_HZ:g} Hz, found {pitch.min():g}–{pitch.max():g}")
    if (signals["bow_force_n"][contact] < 0).any():
        raise ConfigError("'bow_force_n' is negative; it is the force that presses hair and string together")


def _held(pitch: FloatArray) -> FloatArray:
    """Fill NaN with the last number before it, at the start with the first one."""
    known = np.flatnonzero(~np.isnan(pitch))
    if known.size in (0, pitch.size):
        return pitch
    last = np.searchsorted(known, np.arange(pitch.size), side="right") - 1
    return np.asarray(pitch[known[np.maximum(last, 0)]])


def _string(name: str) -> StringModel:
    if name not in STRINGS:
        raise ConfigError(f"a violin has no string {name!r}; expected one of {', '.join(STRINGS)}")
    return STRINGS[name]


def _highest_string(lowest_hz: float) -> StringModel:
    fitting = [model for model in STRINGS.values() if model.open_hz <= lowest_hz * 2 ** (_OPEN_CENTS / 1200)]
    return fitting[-1] if fitting else STRINGS["G"]


def _phase_delay(pole: float, cycles_per_sample: FloatArray) -> FloatArray:
    """Delay in samples of the one-pole low-pass (1 − p) / (1 − p z⁻¹)."""
    angle = 2 * np.pi * cycles_per_sample
    return np.asarray(np.arctan2(pole * np.sin(angle), 1 - pole * np.cos(angle)) / angle)


def _finger_taps(pitch: FloatArray, stopped: NDArray[np.bool_], rate_hz: float, rng: np.random.Generator) -> FloatArray:
    """(N,) m/s: a short burst of noise wherever a finger comes down or the pitch leaps."""
    taps = np.zeros(pitch.size)
    span = max(1, round(_TAP_S * rate_hz))
    step = np.zeros(pitch.size)
    step[span:] = 1200 * np.abs(np.log2(pitch[span:] / pitch[:-span]))
    landed = (step > _TAP_CENTS) & stopped
    starts = np.flatnonzero(landed & ~np.concatenate([[False], landed[:-1]]))
    shape = _TAP_M_S * np.hanning(span + 2)[1:-1]
    for start in starts.tolist():
        stop = min(start + span, pitch.size)
        taps[start:stop] += shape[: stop - start] * rng.standard_normal(stop - start)
    return taps
