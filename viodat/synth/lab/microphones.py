"""What each device records of a trial's sounds, on its own clock, and the files it writes.

A sound leaves its source at mocap time, meets every microphone after its travelling time and again from the walls
(:mod:`viodat.synth.sound.room`), and is sampled 44,100 times per second of the *device's* clock: between the
mocap-clock samples it is read by a windowed sinc, so that a clock that is fast by 50 ppm records a pitch 0.09 cents
low. What the device hears before and after the sounds is noise. World frame, mm; the middle of the room's floor
is the origin.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import av
import numpy as np
import soundfile
from numpy.typing import ArrayLike
from scipy.signal import oaconvolve

from viodat.errors import ConfigError
from viodat.files import atomic_path
from viodat.synth.compiled import compiled
from viodat.synth.lab.clocks import DeviceClock
from viodat.synth.lab.sound_track import add_sound_track, encode_sound, planes_of
from viodat.synth.sound.room import RATE_HZ, Microphone, Room, listen, room_response
from viodat.synth.vectors import FloatArray

SEPARATE: Final = Microphone(gain_db=0.0, noise_db=-80.0, band_hz=(30.0, 18_000.0), automatic_gain=None)
"""A microphone on a stand with a recorder of its own, whose gain stays where it was set."""
_HALF = 32
_BETA = 9.0
"""Half the taps and the Kaiser shape of the interpolating sinc: errors below -80 dB up to 19 kHz."""
_PHASES = 1024
_CLOCK_STEP = 441


@dataclass(frozen=True, eq=False)
class Source:
    """Something that sounds.

    Attributes
    ----------
    pressure_pa
        (N,) Pa at 1 m without a room, 44.1 kHz.
    start_s
        Mocap time of its first sample.
    place_mm
        (3,) mm, world. It stands still.
    """

    pressure_pa: FloatArray
    start_s: float
    place_mm: FloatArray


@dataclass(frozen=True, eq=False)
class Device:
    """A recorder: its clock, how long it records on it, where its microphone is (mm, world), and what that is like."""

    clock: DeviceClock
    seconds: float
    place_mm: FloatArray
    microphone: Microphone


def record_device(
    sources: Sequence[Source], device: Device, room: Room | None, *, rng: np.random.Generator
) -> FloatArray:
    """Record all sources with one device.

    Parameters
    ----------
    sources
        May begin before the device does and end after it.
    room
        None: the open air.
    rng
        Of the late reverberation and of the microphone's noise.

    Returns
    -------
    (round(seconds · 44,100),) samples within ±1; sample k is at device time k / 44,100.

    Raises
    ------
    ConfigError
        A recording without length, or a place outside the room.
    """
    count = round(device.seconds * RATE_HZ)
    if count <= 0:
        raise ConfigError(f"a recording of {device.seconds:g} s", mend="Let it last longer.")
    # The mocap-clock samples that the recording needs, with room for the sinc at both ends.
    first = int(np.floor(float(device.clock.mocap(0.0)) * RATE_HZ)) - _HALF - 1
    last = int(np.ceil(float(device.clock.mocap(count / RATE_HZ)) * RATE_HZ)) + _HALF + 2
    heard = np.zeros(last - first)
    responses: dict[tuple[float, ...], FloatArray] = {}
    for source in sources:
        key = tuple(np.asarray(source.place_mm, dtype=np.float64).tolist())
        if key not in responses:
            responses[key] = room_response(
                _in_room(source.place_mm, room), _in_room(device.place_mm, room), room, rng=rng
            )
        _add(heard, source, responses[key], first)
    samples = _on_clock(heard, device.clock, first, count)
    return listen(samples, device.microphone, rng=rng)


def write_wav(path: Path, samples: FloatArray) -> None:
    """Write (N,) or (N, C) samples within ±1 as 24-bit WAV at 44.1 kHz."""
    with atomic_path(path) as temporary:
        soundfile.write(str(temporary), samples, int(RATE_HZ), subtype="PCM_24", format="WAV")


def write_m4a(path: Path, samples: FloatArray) -> None:
    """Write (N,) or (N, 2) samples within ±1 as AAC; see :mod:`viodat.synth.lab.sound_track` for its time 0."""
    planes = planes_of(samples)
    with atomic_path(path) as temporary, av.open(str(temporary), "w", format="mp4") as container:
        track = add_sound_track(container, planes)
        encode_sound(container, track, planes, 0, planes.shape[1])
        container.mux(track.encode())


def _in_room(place_mm: ArrayLike, room: Room | None) -> FloatArray:
    place = np.asarray(place_mm, dtype=np.float64)
    if room is None:
        return place
    return np.asarray(place + np.array([room.size_mm[0] / 2, room.size_mm[1] / 2, 0.0]))


def _add(heard: FloatArray, source: Source, response: FloatArray, first: int) -> None:
    """Add what arrives of a source; ``heard`` begins with mocap-clock sample ``first``."""
    begin = source.start_s * RATE_HZ
    whole = int(np.floor(begin + 0.5))
    pressure = source.pressure_pa
    if abs(begin - whole) > 1 / _PHASES:
        # Between two samples: moved by the fraction before it meets the room.
        pressure = _read_at(pressure, np.arange(-_HALF, pressure.size + _HALF, dtype=np.float64) + (whole - begin))
        whole -= _HALF
    # What has faded before the recording starts is left out, so that a long take costs no more than the recording.
    early = max(0, first - response.size - whole)
    late = max(0, min(pressure.size, first + heard.size - whole))
    pressure, whole = pressure[early:late], whole + early
    if pressure.size == 0:
        return
    arrived = oaconvolve(pressure, response)
    low, high = max(whole, first), min(whole + arrived.size, first + heard.size)
    if low < high:
        heard[low - first : high - first] += arrived[low - whole : high - whole]


def _on_clock(heard: FloatArray, clock: DeviceClock, first: int, count: int) -> FloatArray:
    """Read the pressure at the instants of the device's samples."""
    # A clock bends so little that straight lines over 10 ms are exact to 1e-11 s.
    knots = np.arange(0, count + _CLOCK_STEP, _CLOCK_STEP)
    mocap = clock.mocap(knots / RATE_HZ)
    return _read_at(heard, np.interp(np.arange(count), knots, mocap * RATE_HZ - first))


def _read_at(samples: FloatArray, places: FloatArray) -> FloatArray:
    out = np.empty(places.size)
    _interpolate(samples, places, _kernel(), out)
    return out


def _kernel() -> FloatArray:
    """(_PHASES + 1, 2 _HALF) the taps of the windowed sinc for each fraction of a sample."""
    fraction = np.arange(_PHASES + 1)[:, None] / _PHASES
    x = np.arange(-_HALF + 1, _HALF + 1) - fraction
    window = np.i0(_BETA * np.sqrt(np.clip(1 - (x / _HALF) ** 2, 0, None))) / np.i0(_BETA)
    return np.asarray(np.sinc(x) * window)


@compiled
def _interpolate(samples: FloatArray, places: FloatArray, kernel: FloatArray, out: FloatArray) -> None:
    """Read between samples; beyond the ends there is silence."""
    phases = kernel.shape[0] - 1
    taps = kernel.shape[1]
    for n in range(places.size):
        whole = math.floor(places[n])
        phase = (places[n] - whole) * phases
        row = min(int(phase), phases - 1)
        share = phase - row
        start = whole - taps // 2 + 1
        low, high = 0.0, 0.0
        for k in range(taps):
            i = start + k
            if 0 <= i < samples.size:
                low += kernel[row, k] * samples[i]
                high += kernel[row + 1, k] * samples[i]
        out[n] = low + share * (high - low)
