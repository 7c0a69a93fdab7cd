"""Synthetic sounds with known truth: tones, clicks, vibrato, a plucked phrase."""

from __future__ import annotations

import numpy as np


def times_s(seconds, rate_hz):
    return np.arange(round(seconds * rate_hz)) / rate_hz


def tone(f0_hz, seconds, rate_hz=44_100, partials=8, amplitude=0.2):
    """Make a harmonic tone whose partials fall off as 1/h, steady from the first sample to the last."""
    t = times_s(seconds, rate_hz)
    kept = [h for h in range(1, partials + 1) if h * f0_hz < 0.45 * rate_hz]
    wave = sum(np.sin(2 * np.pi * h * f0_hz * t) / h for h in kept)
    return (amplitude * wave).astype(np.float32)


def vibrato(f0_hz, seconds, extent_cents, vibrato_hz, rate_hz=44_100):
    """Make a harmonic tone whose pitch is ``f0 * 2**(extent/1200 * sin(2 pi vibrato t))``."""
    t = times_s(seconds, rate_hz)
    frequency = f0_hz * 2 ** (extent_cents / 1200 * np.sin(2 * np.pi * vibrato_hz * t))
    phase = 2 * np.pi * np.concatenate([[0.0], np.cumsum(frequency)[:-1]]) / rate_hz
    return (0.2 * sum(np.sin(h * phase) / h for h in range(1, 9))).astype(np.float32)


def clicks(at_s, seconds, rate_hz=44_100):
    """Make bursts of noise of 20 ms, dying away, that start at the given times."""
    rng = np.random.default_rng(7)
    sound = np.zeros(round(seconds * rate_hz), dtype=np.float32)
    length = round(0.02 * rate_hz)
    burst = rng.normal(size=length) * np.exp(-np.arange(length) / (0.005 * rate_hz))
    for start in at_s:
        first = round(start * rate_hz)
        sound[first : first + length] += (0.3 * burst).astype(np.float32)
    return sound


def phrase(seconds, rate_hz=44_100, seed=3):
    """Play notes of a scale in turn, each with an attack and a decay, over a floor of noise at -60 dB."""
    rng = np.random.default_rng(seed)
    sound = rng.normal(scale=1e-3, size=round(seconds * rate_hz))
    note_s = 0.3
    for number in range(int(seconds / note_s)):
        f0 = 196.0 * 2 ** (rng.integers(0, 30) / 12)
        note = tone(f0, note_s, rate_hz) * np.exp(-times_s(note_s, rate_hz) / 0.2)
        first = round(number * note_s * rate_hz)
        part = sound[first : first + len(note)]
        part += note[: len(part)]
    return sound.astype(np.float32)
