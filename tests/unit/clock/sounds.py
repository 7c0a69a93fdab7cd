"""Sounds to listen to: a melody that nobody has written, in a small room, on a clock that drifts."""

from __future__ import annotations

import numpy as np
from scipy.signal import oaconvolve

from viodat.clock.hearing import Hearing
from viodat.clock.inputs import Device, Motion, TrialEvidence
from viodat.joints import JOINT_INDEX

RATE_HZ = 44_100.0


def melody(seconds, seed, rate_hz=RATE_HZ):
    """Bowed notes of random pitch, length and loudness."""
    rng = np.random.default_rng(seed)
    sound = np.zeros(round(seconds * rate_hz))
    begin = 0.0
    while begin < seconds - 0.1:
        length = float(rng.uniform(0.12, 0.4))
        first, count = round(begin * rate_hz), min(round(length * rate_hz), len(sound) - round(begin * rate_hz))
        t = np.arange(count) / rate_hz
        f0 = 196.0 * 2 ** (rng.integers(0, 30) / 12)
        phase = 2 * np.pi * f0 * t + 0.3 * np.sin(2 * np.pi * rng.uniform(4, 7) * t + rng.uniform(0, 6))
        note = sum(np.sin(k * phase + rng.uniform(0, 6)) / k for k in range(1, int(min(7_000, rate_hz / 2.2) / f0)))
        note = note + 0.1 * rng.standard_normal(count)
        sound[first : first + count] += rng.uniform(0.03, 0.1) * note * np.minimum(t / 0.02, 1) * np.exp(-t / 0.3)
        begin += length
    return sound


def heard(sound, at_s, seed, rate_hz=RATE_HZ, reverberant=0.04, noise=1e-4):
    """Read a sound at (N,) s of its own time, through a room of its own."""
    rng = np.random.default_rng(seed)
    t = np.arange(round(0.2 * rate_hz)) / rate_hz
    room = reverberant * rng.standard_normal(len(t)) * np.exp(-t / 0.05)
    room[: round(0.002 * rate_hz)] = 0
    room[0] = 1.0
    wet = oaconvolve(sound, room)[: len(sound)]
    read = np.interp(at_s * rate_hz, np.arange(len(wet)), wet, left=0.0, right=0.0)
    return (read + noise * rng.standard_normal(len(read))).astype(np.float32)


def device_times(seconds, start_s, drift=0.0, rate_hz=RATE_HZ):
    """(N,) s of the sound's time at a device's samples, whose zero is at ``start_s``."""
    return start_s + np.arange(round(seconds * rate_hz)) / rate_hz * (1 + drift)


def listener(name, samples, rate_hz=RATE_HZ, microphone_mm=None):
    place = None if microphone_mm is None else np.asarray(microphone_mm, dtype=float)
    return Device(name, sound=Hearing(samples, rate_hz), microphone_mm=place)


def trial_of(*devices, motion=None):
    return TrialEvidence(motion, devices)


def still_player(violin_mm=None, start_s=0.0, seconds=10.0, analog=None):
    """A player who stands: shoulders across y, facing x; with or without a violin."""
    frames = round(seconds * 100)
    joints = np.full((frames, 18, 3), np.nan)
    joints[:, JOINT_INDEX["left_shoulder"]] = [0.0, 180.0, 1_400.0]
    joints[:, JOINT_INDEX["right_shoulder"]] = [0.0, -180.0, 1_400.0]
    markers = {} if violin_mm is None else {"VLN1": np.tile(np.asarray(violin_mm, dtype=float), (frames, 1))}
    return Motion(
        start_s=start_s,
        rate_hz=100.0,
        joints_mm=joints,
        joints_at=lambda times: np.full((len(times), 18, 3), np.nan),
        markers=markers,
        violin=tuple(markers),
        analog=analog,
    )
