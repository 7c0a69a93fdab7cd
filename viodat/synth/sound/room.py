"""The room between violin and microphone, and what a phone's recorder makes of it.

Pressures are Pa at audio rate on the mocap clock, places mm in the room's frame (world axes, one corner of the
room at the origin), sound travels at 343 m/s (dry air at 20 °C). The direct sound and the early reflections come
from image sources in a rectangular room (Allen & Berkley 1979, "Image method for efficiently simulating
small-room acoustics", J. Acoust. Soc. Am. 65, 943–950), each with its own delay and 1/r gain; the late
reverberation is decaying noise whose power follows the room's decay time and volume. Source and microphone stand
still: the few cm that a violin moves change a delay by about 0.1 ms. Recorded samples have full scale 1.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.signal import butter, oaconvolve, sosfilt

from viodat.errors import ConfigError
from viodat.synth.compiled import compiled
from viodat.synth.vectors import FloatArray

RATE_HZ = 44_100.0
SPEED_OF_SOUND_M_S = 343.0
FULL_SCALE_PA = 2.0  # peak that a phone's recorder takes at 0 dB of gain: 100 dB re 20 µPa, viodat's choice
_SABINE_S_M = 0.161  # Sabine's decay time is 0.161 s/m · volume / absorption area
_SINC_HALF = 16  # samples either side of a fractional delay
_NEAREST_M = 0.05  # closer than this, 1/r no longer grows


@dataclass(frozen=True)
class Room:
    """A rectangular room.

    Parameters
    ----------
    size_mm
        Length, width, height.
    absorption
        Energy absorbed at a wall, 0–1, the same for all six; 0.25 is viodat's choice for a lab.
    order
        Most reflections of an image source.
    """

    size_mm: tuple[float, float, float] = (9_000.0, 7_000.0, 3_500.0)
    absorption: float = 0.25
    order: int = 3

    def __post_init__(self) -> None:
        if min(self.size_mm) <= 0 or not 0 < self.absorption <= 1 or self.order < 0:
            raise ConfigError(f"a room needs positive sides, absorption in (0, 1] and order ≥ 0; found {self}")

    @property
    def t60_s(self) -> float:
        """Decay time by 60 dB after Sabine."""
        x, y, z = (side / 1000 for side in self.size_mm)
        return _SABINE_S_M * x * y * z / (self.absorption * 2 * (x * y + y * z + z * x))


@dataclass(frozen=True)
class AutomaticGain:
    """Automatic gain control of a phone: feed-forward, slow to open, quick to close. All viodat's choice.

    Parameters
    ----------
    target_db
        RMS level it aims at, dB re full scale.
    share
        How much of the difference to the target it removes: 0 nothing, 1 all.
    most_db
        Greatest gain up or down.
    attack_s, release_s
        Time constants of the power it follows, when that rises and when it falls.
    """

    target_db: float = -20.0
    share: float = 0.6
    most_db: float = 18.0
    attack_s: float = 0.03
    release_s: float = 0.5


@dataclass(frozen=True)
class Microphone:
    """A microphone and its recorder.

    Parameters
    ----------
    gain_db
        Fixed gain; at 0 dB a peak of 2 Pa is full scale.
    noise_db
        RMS of its own noise, dB re full scale at 0 dB of gain; the automatic gain lifts it too.
    band_hz
        Corners of its second-order high-pass and low-pass.
    automatic_gain
        None for a recorder whose gain stays where it was set.
    """

    gain_db: float = 0.0
    noise_db: float = -66.0
    band_hz: tuple[float, float] = (80.0, 15_000.0)
    automatic_gain: AutomaticGain | None = field(default_factory=AutomaticGain)


def delay_s(source_mm: ArrayLike, microphone_mm: ArrayLike) -> float:
    """Travelling time of the direct sound in s."""
    difference = np.asarray(microphone_mm, dtype=np.float64) - np.asarray(source_mm, dtype=np.float64)
    return float(np.linalg.norm(difference) / 1000 / SPEED_OF_SOUND_M_S)


def room_response(
    source_mm: ArrayLike,
    microphone_mm: ArrayLike,
    room: Room | None,
    rate_hz: float = RATE_HZ,
    *,
    rng: np.random.Generator,
) -> FloatArray:
    """Impulse response from the pressure at 1 m of the source to the pressure at the microphone.

    Parameters
    ----------
    source_mm, microphone_mm
        (3,) places; inside the room, if there is one.
    room
        None: the open air, the direct sound alone.
    rng
        Of the late reverberation.

    Returns
    -------
    (K,) samples; the first is the instant of emission.
    """
    source, microphone = (np.asarray(place, dtype=np.float64) for place in (source_mm, microphone_mm))
    if source.shape != (3,) or microphone.shape != (3,) or not np.isfinite([source, microphone]).all():
        raise ConfigError("source and microphone are places: (3,) finite numbers in mm")
    if room is None:
        return _taps(np.array([np.linalg.norm(microphone - source)]) / 1000, np.ones(1), rate_hz)
    size = np.array(room.size_mm)
    for name, place in (("source", source), ("microphone", microphone)):
        if (place < 0).any() or (place > size).any():
            raise ConfigError(f"the {name} at {place.tolist()} mm is outside the room of {size.tolist()} mm")
    images, bounces = _images(source, size, room.order)
    distance_m = np.linalg.norm(images - microphone, axis=1) / 1000
    reflection = np.sqrt(1 - room.absorption)
    early = _taps(distance_m, reflection**bounces, rate_hz)
    return _add_late(early, room, distance_m.min() / SPEED_OF_SOUND_M_S, rate_hz, rng)


def record(
    pressure_pa: FloatArray,
    source_mm: ArrayLike,
    microphone_mm: ArrayLike,
    room: Room | None,
    microphone: Microphone,
    rate_hz: float = RATE_HZ,
    *,
    rng: np.random.Generator,
) -> FloatArray:
    """Record a source's pressure at 1 m with a microphone elsewhere.

    Returns
    -------
    (N,) samples, clipped to ±1, as long as ``pressure_pa`` and on its clock: the travelling time is in them.
    """
    response = room_response(source_mm, microphone_mm, room, rate_hz, rng=rng)
    return listen(oaconvolve(pressure_pa, response)[: pressure_pa.size], microphone, rate_hz, rng=rng)


def listen(
    pressure_pa: FloatArray, microphone: Microphone, rate_hz: float = RATE_HZ, *, rng: np.random.Generator
) -> FloatArray:
    """Turn the (N,) pressure at a microphone into its (N,) recorded samples within ±1."""
    samples = pressure_pa / FULL_SCALE_PA + 10 ** (microphone.noise_db / 20) * rng.standard_normal(pressure_pa.size)
    low, high = microphone.band_hz
    if not 0 < low < high < rate_hz / 2:
        raise ConfigError(f"band_hz {microphone.band_hz} must rise and stay below half the rate, {rate_hz / 2:g} Hz")
    samples = sosfilt(butter(2, low, "highpass", fs=rate_hz, output="sos"), samples)
    samples = sosfilt(butter(2, high, "lowpass", fs=rate_hz, output="sos"), samples)
    samples = samples * 10 ** (microphone.gain_db / 20)
    if microphone.automatic_gain is not None:
        samples = samples * automatic_gain(samples, microphone.automatic_gain, rate_hz)
    return np.asarray(np.clip(samples, -1, 1), dtype=np.float64)


def automatic_gain(samples: FloatArray, control: AutomaticGain, rate_hz: float = RATE_HZ) -> FloatArray:
    """(N,) factor by which the recorder multiplies its (N,) samples; it knows only those already heard."""
    rise, fall = (1 - np.exp(-1 / (seconds * rate_hz)) for seconds in (control.attack_s, control.release_s))
    level = np.sqrt(_follow(np.square(samples), float(rise), float(fall), 10 ** (control.target_db / 10)))
    wanted = control.share * (control.target_db - 20 * np.log10(np.maximum(level, 1e-9)))
    return np.asarray(10 ** (np.clip(wanted, -control.most_db, control.most_db) / 20))


@compiled
def _follow(power: FloatArray, rise: float, fall: float, start: float) -> FloatArray:
    level = np.empty_like(power)
    now = start
    for n in range(power.size):
        now += (rise if power[n] > now else fall) * (power[n] - now)
        level[n] = now
    return level


def _images(source: FloatArray, size: FloatArray, order: int) -> tuple[FloatArray, NDArray[np.int64]]:
    """(I, 3) places of the image sources and (I,) walls each has met, up to ``order``."""
    cells = np.arange(-order, order + 1)
    grid = np.stack(np.meshgrid(cells, cells, cells, indexing="ij"), axis=-1).reshape(-1, 3)
    bounces = np.abs(grid).sum(axis=1)
    grid = grid[bounces <= order]
    # Cell k of an axis begins k sides away; in odd cells the room is seen in a mirror.
    images = grid * size + np.where(grid % 2 == 0, source, size - source)
    return images, bounces[bounces <= order]


def _taps(distance_m: FloatArray, gain: FloatArray, rate_hz: float) -> FloatArray:
    """Sum of delayed impulses, each a Hann-windowed sinc about its fractional sample."""
    place = distance_m / SPEED_OF_SOUND_M_S * rate_hz
    response = np.zeros(int(place.max()) + _SINC_HALF + 2)
    span = np.arange(-_SINC_HALF + 1, _SINC_HALF + 1)
    for at, metres, factor in zip(place, distance_m, gain, strict=True):
        index = int(at) + span
        x = index - at
        window = 0.5 + 0.5 * np.cos(np.pi * np.clip(x / _SINC_HALF, -1, 1))
        inside = index >= 0
        response[index[inside]] += (factor / max(metres, _NEAREST_M) * np.sinc(x) * window)[inside]
    return response


def _add_late(early: FloatArray, room: Room, direct_s: float, rate_hz: float, rng: np.random.Generator) -> FloatArray:
    """Add reverberation that takes over when the images up to the room's order have passed."""
    x, y, z = (side / 1000 for side in room.size_mm)
    volume = x * y * z
    # From here on images of higher order than those computed arrive: the shortest side, ``order`` times.
    mixing_s = direct_s + (room.order + 0.5) * min(x, y, z) / SPEED_OF_SOUND_M_S
    size = max(early.size, round((direct_s + room.t60_s) * rate_hz))
    t = np.arange(size) / rate_hz
    # Images arrive at 4π c³ t² / V per second (Kuttruff, Room Acoustics), each with power 1/(c t)²: 4π c / V.
    density = 4 * np.pi * SPEED_OF_SOUND_M_S / (volume * rate_hz)
    envelope = np.sqrt(density) * 10 ** (-3 * t / room.t60_s) * np.clip((t - direct_s) / (mixing_s - direct_s), 0, 1)
    noise = sosfilt(butter(1, 5_000.0, "lowpass", fs=rate_hz, output="sos"), rng.standard_normal(size))
    response = envelope * noise
    response[: early.size] += early
    return np.asarray(response)
