"""What becomes of clocks where a recording is bad, for docs/science/clocks.md; after measure_clocks.py.

    python docs/measure_clock_faults.py --folder FOLDER            # the folder that measure_clocks.py has filled
    python docs/measure_clock_faults.py --folder FOLDER --page     # and write the table into the page

The last phone's recording is spoilt, all others stay as they are; with "metronome" it clicks in all of them.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Final

import numpy as np
from measure_clocks import HALF_FRAME_S, PAGE, FloatArray, Recording, offered, trials_of, truth_of, upper_share
from scipy.signal import resample_poly

from viodat.clock import Device, Hearing, TrialEvidence, gather, solve_trial
from viodat.files import write_text
from viodat.synth.sound.metronome import metronome_pressure

_OTHERS_S: Final = 600.0
_OTHERS: Final = 45
"""Trials that together last so long."""
_TRIALS: Final = 12
"""Of each capture."""
_CAPTURES: Final = ("one clap", "no clap")


@dataclass(frozen=True)
class Case:
    """A trial to spoil: its own evidence, those of others in turn, and the truth of its devices."""

    own: TrialEvidence
    others: Sequence[TrialEvidence]
    truth: Mapping[str, Recording]
    seed: int

    @property
    def last(self) -> Device:
        """The device whose recording is bad."""
        return self.own.devices[-1]

    def samples_of(self, other: TrialEvidence) -> FloatArray:
        """Give what the same phone recorded in another trial."""
        (sound,) = (device.sound for device in other.devices if device.name == self.last.name)
        assert sound is not None
        return sound.samples


@dataclass(frozen=True)
class Outcome:
    """What the estimate says of the spoilt recording: its error at both ends, s (NaN: no answer), and a note of it."""

    fault: str
    error_s: float
    named: bool
    hurt: bool
    """Whether another device of the trial is wrong by more than half a frame."""


def _with_samples(case: Case, change: Callable[[FloatArray], FloatArray]) -> TrialEvidence:
    sound = case.last.sound
    assert sound is not None
    spoilt = replace(case.last, sound=Hearing(change(sound.samples), sound.rate_hz))
    return replace(case.own, devices=(*case.own.devices[:-1], spoilt))


def _noise(case: Case, level: float) -> TrialEvidence:
    rng = np.random.default_rng(case.seed)
    return _with_samples(case, lambda samples: level * rng.standard_normal(len(samples)))


def _metronome(case: Case) -> TrialEvidence:
    bpm = float(np.random.default_rng(case.seed).uniform(60, 120))
    devices = []
    for device in case.own.devices:
        sound = device.sound
        assert sound is not None
        clicks = metronome_pressure(bpm, 60.0)
        at = np.arange(len(sound.samples)) / sound.rate_hz
        mocap = case.truth[device.name].mocap(at) + 20.0
        loud = 0.5 * np.std(sound.samples) / np.std(clicks) * clicks
        own = sound.samples + np.interp(mocap, np.arange(len(clicks)) / 44_100.0, loud)
        devices.append(replace(device, sound=Hearing(own, sound.rate_hz)))
    return replace(case.own, devices=tuple(devices))


def _stopped(case: Case) -> TrialEvidence:
    half = _with_samples(case, lambda samples: samples[: len(samples) // 2])
    picture = case.last.picture
    assert picture is not None
    kept = slice(len(picture.times_s) // 2)
    seen = replace(picture, times_s=picture.times_s[kept], px=picture.px[kept], confidence=picture.confidence[kept])
    return replace(half, devices=(*half.devices[:-1], replace(half.devices[-1], picture=seen)))


def _longer(case: Case) -> TrialEvidence:
    before = np.concatenate([case.samples_of(other) for other in case.others])
    before = before[: round(_OTHERS_S * 44_100)]
    longer = _with_samples(case, lambda samples: np.concatenate([before, samples]))
    picture = case.last.picture
    assert picture is not None
    later = replace(picture, times_s=picture.times_s + len(before) / 44_100)
    return replace(longer, devices=(*longer.devices[:-1], replace(longer.devices[-1], picture=later)))


def _wrong_sound(case: Case) -> TrialEvidence:
    return _with_samples(case, lambda _: case.samples_of(case.others[0]))


FAULTS: Final[Mapping[str, Callable[[Case], TrialEvidence]]] = {
    "nothing": lambda case: case.own,
    "silence": partial(_noise, level=1e-5),
    "noise": partial(_noise, level=0.05),
    "metronome in the room": _metronome,
    "clipped by 30 dB": partial(_with_samples, change=lambda samples: np.clip(30 * samples, -1, 1)),
    "stopped halfway": _stopped,
    "48 kHz called 44.1 kHz": partial(_with_samples, change=lambda samples: resample_poly(samples, 160, 147)),
    "10 minutes longer": _longer,
    "another trial's sound": _wrong_sound,
}


_WITHOUT_SOUND: Final = ("silence", "noise", "another trial's sound")


def outcomes(folder: Path, trial: str, others: Sequence[str]) -> list[Outcome]:
    """Spoil one trial in all ways."""
    own = offered(folder, trial)
    truth = {device.name: truth_of(folder, trial, device.name) for device in own.devices}
    case = Case(own, [offered(folder, other) for other in others], truth, int(trial[1:3]))
    return [_outcome(case, fault, spoil(case)) for fault, spoil in FAULTS.items()]


def _outcome(case: Case, fault: str, spoilt: TrialEvidence) -> Outcome:
    solved = solve_trial(gather(spoilt))
    motion = case.own.motion
    assert motion is not None
    errors = {}
    for name, clock in solved.clocks.items():
        true = case.truth[name]
        at = true.device(np.array([motion.times_s[0], motion.times_s[-1]]))
        if fault == "stopped halfway" and name == case.last.name:
            at = np.minimum(at, 0.5 * true.device_s[-1])
        stated = at * clock.rate_ratio
        if fault == "10 minutes longer" and name == case.last.name:
            stated = stated + _longer_by_s(case)
        if fault in _WITHOUT_SOUND and name == case.last.name:
            # Its pictures are the trial's own: they may place it, its sound may not.
            picture, frames = clock.of_picture(), [0, -1]
            errors[name] = float(np.abs(picture.apply(true.stamps_s[frames]) - true.frames_s[frames]).max())
            continue
        errors[name] = float(np.abs(clock.apply(stated) - true.mocap(at)).max())
    named = any(case.last.name in line for line in (*solved.notes.get("", ()), *solved.notes.get(case.last.name, ())))
    others = [error for name, error in errors.items() if name != case.last.name]
    return Outcome(
        fault,
        errors.get(case.last.name, float("nan")),
        named or bool(solved.notes.get(case.last.name)),
        any(error > HALF_FRAME_S for error in others),
    )


def _longer_by_s(case: Case) -> float:
    return min(sum(len(case.samples_of(other)) for other in case.others) / 44_100, _OTHERS_S)


def table(found: Sequence[Outcome]) -> Iterator[str]:
    """Give the table's lines."""
    yield (
        "| the last phone | trials | right | no answer | wrong by more than half a frame (bound) | named | "
        "p95 of the right ones, ms | other phones wrong |\n|---|---:|---:|---:|---:|---:|---:|---:|"
    )
    for fault in FAULTS:
        own = [one for one in found if one.fault == fault]
        errors = np.array([one.error_s for one in own])
        right = errors <= HALF_FRAME_S
        wrong = int((errors > HALF_FRAME_S).sum())
        high = f"{np.percentile(errors[right], 95) * 1e3:.1f}" if right.any() else "-"
        yield (
            f"| {fault} | {len(own)} | {int(right.sum())} | {int(np.isnan(errors).sum())} | "
            f"{wrong} (≤ {upper_share(wrong, len(own)):.0%}) | {sum(one.named for one in own)} | {high} | "
            f"{sum(one.hurt for one in own)} |"
        )


def main() -> None:
    """Run it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--page", action="store_true", help="write the table into docs/science/clocks.md")
    arguments = parser.parse_args()
    with ProcessPoolExecutor(arguments.workers, mp_context=get_context("spawn")) as pool:
        tasks = []
        for name in _CAPTURES:
            folder = arguments.folder / name.replace(" ", "_")
            trials = trials_of(folder)
            for k in range(0, len(trials), max(len(trials) // _TRIALS, 1)):
                others = [*trials[k + 1 :], *trials[:k]][:_OTHERS]
                tasks.append(pool.submit(outcomes, folder, trials[k], others))
        found = [outcome for task in tasks for outcome in task.result()]
    text = "\n".join(table(found))
    print(text)
    if arguments.page:
        marked = re.compile(r"(<!-- faults -->\n).*?(\n<!-- end faults -->)", re.DOTALL)
        write_text(PAGE, marked.sub(lambda match: match[1] + text + match[2], PAGE.read_text(encoding="utf-8")))


if __name__ == "__main__":
    main()
