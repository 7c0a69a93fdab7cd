"""Sounds that are not the trial's, and sounds of another rate than their file says, once the clocks are known."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.unit.build.trials import recording, trial
from viodat.audio import describe
from viodat.build.settled_sounds import settle_sounds
from viodat.capture.audio import AudioSignal
from viodat.clock import ClockMap, Evidence, TrialClocks

RATE_HZ = 16_000.0
RATIO = 48_000 / 44_100


def heard(device, hz, *, quiet=0.001, best=False):
    """A recording of one second of a violin's A, or of what stands for it."""
    rng = np.random.default_rng(0)
    at = np.arange(round(1.5 * RATE_HZ)) / RATE_HZ
    tone = sum(np.sin(2 * np.pi * k * hz * at) / k for k in range(1, 6)) * (at > 0.5)
    samples = (0.1 * tone + quiet * rng.standard_normal(len(at))).astype(np.float32)[:, None]
    one = recording(device=device)
    sound = AudioSignal(samples, RATE_HZ, 0.0, Path("a.wav"))
    return replace(one, sound=sound), describe(samples, RATE_HZ, with_f0=best)


def of_three(best):
    kept = {name: heard(name, hz, best=name == best) for name, hz in (("C01", 440.0), ("C02", 440.0), ("C03", 300.0))}
    recordings = tuple(one for one, _ in kept.values())
    described = {one.files.id: sound for one, sound in kept.values()}
    whole = trial(*recordings)
    return replace(whole, descriptions=described, best_microphone=f"P05{best}T28")


def clocks(*, strangers=(), ratios=None):
    found = {name: ClockMap(0.5, rate_ratio=(ratios or {}).get(name, 1.0)) for name in ("C01", "C02", "C03")}
    return TrialClocks(found, {}, Evidence((), frozenset(), frozenset(), ()), strangers=frozenset(strangers))


def median_hz(sound):
    assert sound.pitch is not None
    return float(np.nanmedian(sound.pitch.f0_hz[sound.pitch.voiced]))


def test_nothing_happens_where_all_sounds_are_the_trials():
    result = of_three("C01")
    assert settle_sounds(result, clocks()) is result


def test_a_strangers_sound_is_left_out_and_its_picture_stays():
    settled = settle_sounds(of_three("C01"), clocks(strangers=["C03"]))
    one = settled.recordings[2]
    assert one.sound is None
    assert one.times is not None
    assert "not known to be the trial's" in one.notes[-1]
    assert set(settled.descriptions) == {"P05C01T28", "P05C02T28"}
    assert settled.best_microphone == "P05C01T28"


def test_a_pitch_that_was_a_strangers_is_computed_again_from_the_trials_own_sound():
    settled = settle_sounds(of_three("C03"), clocks(strangers=["C03"]))
    assert settled.best_microphone in {"P05C01T28", "P05C02T28"}
    assert median_hz(settled.descriptions[settled.best_microphone]) == pytest.approx(440.0, rel=0.005)
    others = [sound for name, sound in settled.descriptions.items() if name != settled.best_microphone]
    assert all(sound.pitch is None for sound in others)


def test_only_strangers_leave_no_pitch():
    settled = settle_sounds(of_three("C03"), clocks(strangers=["C01", "C02", "C03"]))
    assert (settled.best_microphone, dict(settled.descriptions)) == ("", {})


def test_a_wrong_rate_is_taken_off_pitch_and_features():
    result = of_three("C01")
    settled = settle_sounds(result, clocks(ratios={"C01": RATIO}))
    assert median_hz(settled.descriptions["P05C01T28"]) == pytest.approx(440.0 * RATIO, rel=0.005)
    assert settled.descriptions["P05C01T28"].seconds == pytest.approx(1.5 / RATIO, rel=1e-3)
    assert settled.descriptions["P05C02T28"] is result.descriptions["P05C02T28"]
    assert "computed at 17,415 Hz" in settled.recordings[0].notes[-1]
