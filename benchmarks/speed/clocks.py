"""How long finding clocks takes, by the length of a trial: one core, four phones, sounds and keypoints given.

    python benchmarks/speed/clocks.py

Trials of the digital twin, each of another length. Every kind of evidence is timed in one process, by its processor
time; the last column is seconds per second of the trial, which must not grow.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from dataclasses import replace
from pathlib import Path

from threadpoolctl import threadpool_limits

from viodat.build import BuildOptions
from viodat.build.prepare import trial_offers
from viodat.build.raw import open_raw
from viodat.clock import TrialEvidence, gather, solve_trial
from viodat.clock.evidence.registry import evidence_names
from viodat.clock.observations import Observation
from viodat.synth import TwinOptions
from viodat.synth.twin import write_twin


def trial_of(seconds: float, seed: int) -> TrialEvidence:
    """Make a trial of so many seconds, and read what it offers; joints frame by frame, which is quick."""
    with tempfile.TemporaryDirectory() as folder:
        capture = Path(folder) / "capture"
        options = TwinOptions(participants=1, trials=1, seed=seed, seconds=seconds, video=False, rom_seconds=0.0)
        write_twin(capture, options)
        raw = open_raw(capture)
        (files,) = raw.layout.trials
        return trial_offers(files, raw, BuildOptions(pose2d="files", joint_centres="pig"))


def main() -> None:
    """Run it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, nargs="+", default=[10.0, 100.0, 600.0])
    parser.add_argument("--seed", type=int, default=7201)
    arguments = parser.parse_args()
    with threadpool_limits(1):
        print("| trial, s | " + " | ".join((*evidence_names(), "joint estimate", "all, s", "s per s")) + " |")
        print("|---:|" + "---:|" * (len(evidence_names()) + 3))
        for seconds in arguments.seconds:
            trial = trial_of(seconds, arguments.seed)
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
