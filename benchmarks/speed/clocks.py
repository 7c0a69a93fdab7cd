"""How long finding clocks takes, by the length of a trial: one core, four phones, sounds and keypoints given.

    python benchmarks/speed/clocks.py

A player's takes of the digital twin are put one after another, 10 s of each, until a trial is as long as wanted; so it
has new music all along, and four phones whose sounds and pictures belong to it. Every step is timed in one process, by
its processor time, and the table gives seconds per second of the trial: it must not grow.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow.parquet as pq
from threadpoolctl import threadpool_limits

from viodat.body.interpolate import at_times
from viodat.build import BuildOptions
from viodat.build.raw import open_raw
from viodat.build.trial import trial_offers
from viodat.clock import Device, Hearing, Motion, TrialEvidence, gather, solve_trial
from viodat.clock.evidence.registry import evidence_names
from viodat.clock.observations import Observation
from viodat.synth import TwinOptions
from viodat.synth.twin import write_twin

_OF_EACH_S: Final = 10.0
_TAKES: Final = 9


def takes(folder: Path) -> list[tuple[TrialEvidence, dict[str, float]]]:
    """Read a capture's trials, and when each phone's recording began on the mocap clock, s."""
    raw = open_raw(folder)
    found = []
    for files in raw.layout.trials:
        read = trial_offers(files, raw, BuildOptions(pose2d="files"))
        starts = {}
        for device in read.devices:
            name = files.id[:3] + device.name + files.id[3:]
            clock = pq.read_table(folder / "truth" / "audio_clocks.parquet", filters=[("recording", "=", name)])
            starts[device.name] = float(np.interp(0.0, clock["t_device_s"], clock["t_mocap_s"]))
        found.append((read, starts))
    return found


def chained(found: Sequence[tuple[TrialEvidence, dict[str, float]]], seconds: float) -> TrialEvidence:
    """Put takes one after another, from 1 s after each one's beginning, to a trial of so many seconds."""
    count = round(seconds / _OF_EACH_S)
    parts = [found[k % len(found)] for k in range(count)]
    first = parts[0][0]
    assert first.motion is not None
    frames = slice(round(first.motion.rate_hz), round((1 + _OF_EACH_S) * first.motion.rate_hz))
    motions = [part.motion for part, _ in parts if part.motion is not None]
    joints = np.concatenate([motion.joints_mm[frames] for motion in motions])
    motion = Motion(
        0.0,
        first.motion.rate_hz,
        joints,
        lambda times_s: at_times(joints, 0.0, motions[0].rate_hz, times_s),
        {label: np.concatenate([one.markers[label][frames] for one in motions]) for label in first.motion.markers},
        first.motion.violin,
        first.motion.bow,
    )
    return TrialEvidence(motion, tuple(_phone(parts, k) for k in range(len(first.devices))))


def _phone(parts: Sequence[tuple[TrialEvidence, dict[str, float]]], k: int) -> Device:
    samples, times, px, sure = [], [], [], []
    for number, (part, starts) in enumerate(parts):
        device = part.devices[k]
        assert part.motion is not None
        assert device.sound is not None
        assert device.picture is not None
        begins = part.motion.start_s + 1.0 - starts[device.name]
        first = round(begins * device.sound.rate_hz)
        samples.append(device.sound.samples[first : first + round(_OF_EACH_S * device.sound.rate_hz)])
        inside = (device.picture.times_s >= begins) & (device.picture.times_s < begins + _OF_EACH_S)
        times.append(device.picture.times_s[inside] - begins + number * _OF_EACH_S)
        px.append(device.picture.px[inside])
        sure.append(device.picture.confidence[inside])
    device = parts[0][0].devices[k]
    assert device.sound is not None
    assert device.picture is not None
    seen = replace(
        device.picture, times_s=np.concatenate(times), px=np.concatenate(px), confidence=np.concatenate(sure)
    )
    return replace(device, sound=Hearing(np.concatenate(samples), device.sound.rate_hz), picture=seen)


def main() -> None:
    """Run it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, nargs="+", default=[10.0, 100.0, 1000.0])
    parser.add_argument("--seed", type=int, default=7201)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, threadpool_limits(1):
        capture = Path(folder) / "capture"
        write_twin(
            capture, TwinOptions(participants=1, trials=_TAKES, seed=arguments.seed, video=False, rom_seconds=0.0)
        )
        found = takes(capture)
        print("| trial, s | " + " | ".join((*evidence_names(), "joint estimate", "all, s", "s per s")) + " |")
        print("|---:|" + "---:|" * (len(evidence_names()) + 3))
        for seconds in arguments.seconds:
            trial = chained(found, seconds)
            spent: list[float] = []
            observations: list[Observation] = []
            for kind in evidence_names():
                began = time.process_time()
                evidence = gather(trial, (kind,))
                spent.append(time.process_time() - began)
                observations += evidence.observations
            began = time.process_time()
            solve_trial(replace(evidence, observations=tuple(observations)))
            spent.append(time.process_time() - began)
            cells = [f"{one:.2f}" for one in (*spent, sum(spent))]
            print(f"| {seconds:g} | " + " | ".join(cells) + f" | {sum(spent) / seconds:.3f} |", flush=True)


if __name__ == "__main__":
    main()
