"""The sound of whole takes against the control signals that made it: pitch, level, onsets, vibrato."""

from __future__ import annotations

from functools import cache

import librosa
import numpy as np
import pytest
from scipy.ndimage import uniform_filter1d

from tests.unit.synth.music.takes import SECONDS, take
from viodat.synth.music.bowing import is_rest
from viodat.synth.music.control import control_signals
from viodat.synth.sound.take import string_force_n, violin_pressure

RATE = 44_100
CASES = [
    ("novice", "study", 0),
    ("novice", "free", 1),
    ("intermediate", "study", 2),
    ("intermediate", "free", 1),
    ("advanced", "study", 2),
    ("advanced", "free", 0),
]


@cache
def sound(level, style, seed, violin_scale=1.0):
    return violin_pressure(take(level, style, seed, violin_scale), rng=np.random.default_rng(seed))


def heard_pitch(samples, times_s, low_hz=170.0, high_hz=2_100.0):
    """Hz at each time, by YIN on 25 ms."""
    frame, longest = round(0.025 * RATE), round(RATE / low_hz)
    window = frame - longest
    lags = np.arange(longest)
    out = np.full(len(times_s), np.nan)
    for n, start in enumerate(np.round(np.asarray(times_s) * RATE).astype(int) - frame // 2):
        part = samples[max(start, 0) : start + frame]
        if part.size < frame or part.std() < 1e-4:
            continue
        energy = np.concatenate([[0], np.cumsum(part**2)])
        size = 4096
        both = np.fft.irfft(np.conj(np.fft.rfft(part[:window], size)) * np.fft.rfft(part, size))[:longest]
        difference = energy[window] + energy[lags + window] - energy[lags] - 2 * both
        mean = np.cumsum(difference[1:]) / lags[1:]
        relative = np.concatenate([[1], difference[1:] / np.maximum(mean, 1e-20)])
        first = round(RATE / high_hz)
        below = np.flatnonzero(relative[first:-1] < 0.15)
        lag = first + int(below[0] if below.size else relative[first:-1].argmin())
        while lag + 2 < longest and relative[lag + 1] < relative[lag]:
            lag += 1
        a, b, c = difference[lag - 1 : lag + 2]
        out[n] = RATE / (lag + 0.5 * (a - c) / max(a - 2 * b + c, 1e-20))
    return out


def share_in_tune(performance, samples, spiccato):
    """Share of frames within 10 cents of the control's pitch, while it stands still and a note is under way."""
    shares = []
    for note in performance.notes:
        if (note.articulation == "spiccato") != spiccato:
            continue
        times = np.arange(note.onset_s + 0.04, note.offset_s - 0.015, 0.02)
        around = control_signals(performance, 100.0).at((times[:, None] + np.linspace(-0.015, 0.01, 11)).ravel())
        hertz = around.f0_hz.reshape(len(times), 11)
        steady = 1200 * np.log2(hertz.max(axis=1) / hertz.min(axis=1)) < 80 if len(times) else np.zeros(0, bool)
        if steady.any():
            cents = 1200 * np.log2(heard_pitch(samples, times[steady]) / np.exp(np.log(hertz[steady]).mean(axis=1)))
            shares += (np.abs(cents) < 10).tolist()
    return float(np.mean(shares)), len(shares)


def test_in_tune_through_all_techniques():
    good, frames, short = 0.0, 0, []
    for case in CASES:
        share, count = share_in_tune(take(*case), sound(*case), spiccato=False)
        good, frames = good + share * count, frames + count
        if any(note.articulation == "spiccato" for note in take(*case).notes):
            short.append(share_in_tune(take(*case), sound(*case), spiccato=True)[0])
    assert good / frames > 0.97
    assert np.mean(short) > 0.75


@pytest.mark.parametrize("violin_scale", [0.5, 0.75])
def test_small_violins_sing_too(violin_scale):
    case = ("intermediate", "study", 0, violin_scale)
    assert share_in_tune(take(*case), sound(*case), spiccato=False)[0] > 0.95


def correlation(performance, samples):
    """Of the speed of the hair on the string with the level of the sound, both in steps of 10 ms."""
    control = control_signals(performance, 100.0)
    speed = np.where(control.lift_mm < 1e-6, np.abs(control.bow_speed), 0.0)
    level = np.sqrt(np.mean(samples[: round(SECONDS * 100) * 441].reshape(-1, 441) ** 2, axis=1))
    return float(np.corrcoef(speed, level)[0, 1])


@pytest.mark.parametrize("case", CASES)
def test_level_follows_the_bow(case):
    assert correlation(take(*case), sound(*case)) > 0.7


def test_another_takes_sound_does_not_follow_the_bow():
    strangers = [correlation(take(*a), sound(*b)) for a in CASES for b in CASES if a != b]
    assert np.median(np.abs(strangers)) < 0.35


def test_onsets_are_heard_when_they_are_played():
    fresh, changes = [], []
    for case in CASES:
        notes, samples = take(*case).notes, sound(*case)
        level = 10 * np.log10(np.maximum(uniform_filter1d(samples**2, round(0.006 * RATE)), 1e-12))
        for i, note in enumerate(notes):
            at, end = round(note.onset_s * RATE), round(note.offset_s * RATE)
            if i == 0 or is_rest(notes[i - 1], note):
                # Out of silence: when the level comes within 30 dB of the note's.
                begin = at - round(0.03 * RATE)
                loud = level[begin:end] > np.percentile(level[at:end], 90) - 30
                fresh.append((begin + loud.argmax() - at) / RATE)
            elif not note.slurred and note.articulation != "spiccato":
                # At a change of bow: where the level is lowest.
                begin = at - round(0.045 * RATE)
                changes.append((begin + level[begin : at + round(0.045 * RATE)].argmin() - at) / RATE)
    assert np.mean(np.abs(fresh) < 0.010) > 0.9
    assert np.mean(np.abs(changes) < 0.010) > 0.9
    assert abs(np.median(changes)) < 0.008


def test_no_sound_before_the_bow():
    performance, samples = take("advanced", "free", 0), sound("advanced", "free", 0)
    assert samples.shape == (round(SECONDS * RATE),)
    before = samples[: round((performance.notes[0].onset_s - 0.12) * RATE)]
    assert np.abs(before).max() < 1e-12 * np.abs(samples).max()
    assert 0.5 < np.abs(samples).max() < 5


def test_vibrato_is_recovered_by_pyin():
    case = ("advanced", "study", 0)
    notes = [n for n in take(*case).notes if n.vibrato_hz > 0 and n.duration_s > 1.0][:2]
    assert notes
    for note in notes:
        part = sound(*case)[round((note.onset_s + 0.22) * RATE) : round((note.offset_s - 0.1) * RATE)]
        hertz = 440 * 2 ** ((note.midi - 69) / 12)
        f0, _, _ = librosa.pyin(
            part, fmin=hertz / 1.5, fmax=hertz * 1.5, sr=RATE, frame_length=1024, hop_length=512, resolution=0.05
        )
        known = np.isfinite(f0)
        assert known.mean() > 0.9
        t, cents = np.flatnonzero(known) * 512 / RATE, 1200 * np.log2(f0[known] / hertz)
        fits = []
        rates = np.arange(4.0, 8.0, 0.02)
        for rate in rates:
            basis = np.stack([np.ones_like(t), np.sin(2 * np.pi * rate * t), np.cos(2 * np.pi * rate * t)], axis=1)
            weights = np.linalg.lstsq(basis, cents, rcond=None)[0]
            fits.append((np.sum((cents - basis @ weights) ** 2), np.hypot(weights[1], weights[2])))
        best = int(np.argmin([error for error, _ in fits]))
        assert rates[best] == pytest.approx(note.vibrato_hz, abs=0.2)
        assert fits[best][1] == pytest.approx(note.vibrato_cents, abs=max(5.0, 0.12 * note.vibrato_cents))


def test_force_rises_and_falls_as_asked():
    performance = take("advanced", "study", 2)
    control = control_signals(performance, 1000.0)
    force = string_force_n(control, performance.notes)
    assert (force[control.bow_force == 0] == 0).all()
    inside = control.playing & (control.bow_force > 0.3)
    assert force[inside].min() > 0.02
    assert force.max() < 4
    assert np.abs(np.diff(force)).max() < 0.25


def test_the_same_seed_sounds_the_same():
    performance = take("novice", "study", 0)
    again, other = (violin_pressure(performance, rng=np.random.default_rng(seed)) for seed in (0, 1))
    np.testing.assert_array_equal(sound("novice", "study", 0), again)
    assert np.abs(again - other).max() > 1e-6
