"""How long a build takes and where the time goes: stages, workers, a second build, one more trial, memory.

    python benchmarks/speed/build.py --folder F [--scale viodat | --participants 4 --trials 4 --seconds 50]

A capture of the digital twin without pictures, keypoints given; each build is a command of its own. Seconds of stages
are those that the stages themselves took, added up over all trials; what MediaPipe takes is not among them.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import threading
import time
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from viodat.build.cache.place import default_cache
from viodat.build.cache.sealed import unsealed
from viodat.build.finish import SECOND_PASS
from viodat.build.prepare import FIRST_PASS

_POLL_S = 0.5
_VIODAT = Path(sys.executable).with_name("viodat")


@dataclass(frozen=True)
class Run:
    """One command: how long it took, and the most memory that one of its processes had, in GB."""

    seconds: float
    peak_gb: float
    result: dict[str, Any]


def run(*arguments: str | Path) -> Run:
    """Run a command of viodat and watch it."""
    began = time.monotonic()
    command = [str(part) for part in (_VIODAT, *arguments)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    peaks: dict[int, float] = {}
    watcher = threading.Thread(target=_watch, args=(process, peaks), daemon=True)
    watcher.start()
    out, err = process.communicate()
    seconds = time.monotonic() - began
    if process.returncode:
        raise SystemExit(f"{' '.join(command)}: {err or out}")
    return Run(seconds, max(peaks.values(), default=float("nan")), json.loads(out) if "--json" in command else {})


def _watch(process: subprocess.Popen[str], peaks: dict[int, float]) -> None:
    while process.poll() is None:
        for pid in _family(process.pid):
            try:
                status = Path(f"/proc/{pid}/status").read_text()
            except OSError:
                continue
            for line in status.splitlines():
                if line.startswith("VmHWM:"):
                    peaks[pid] = max(peaks.get(pid, 0.0), int(line.split()[1]) / 1e6)
        time.sleep(_POLL_S)


def _family(pid: int) -> list[int]:
    found = [pid]
    for one in found:
        for children in Path(f"/proc/{one}/task").glob("*/children"):
            try:
                found += [int(child) for child in children.read_text().split()]
            except OSError:
                continue
    return found


def stage_seconds(cache: Path) -> tuple[dict[str, float], dict[str, tuple[float, float]]]:
    """Give seconds by stage, and by trial when it was finished and what all its stages took."""
    stages: defaultdict[str, float] = defaultdict(float)
    trials: defaultdict[str, list[tuple[float, float]]] = defaultdict(list)
    for stage in (*FIRST_PASS, *SECOND_PASS):
        for path in (cache / stage.name).glob("*/*/value.json"):
            seconds = float(unsealed(path.read_bytes())["seconds"])
            stages[stage.name] += seconds
            unit = path.parent.parent.name
            # A recording counts for its trial: P05C01T28 for P05T28.
            trial = unit if len(unit) == 6 else unit[:3] + unit[6:]
            trials[trial].append((path.stat().st_mtime, seconds))
    return dict(stages), {name: (max(t for t, _ in rows), sum(s for _, s in rows)) for name, rows in trials.items()}


def main() -> None:
    """Run it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--scale", choices=["viodat"])
    parser.add_argument("--participants", type=int, default=4)
    parser.add_argument("--trials", type=int, default=4)
    parser.add_argument("--seconds", type=float, default=50.0)
    parser.add_argument("--seed", type=int, default=7301)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--one-worker", action="store_true", help="Build once more with one worker, for the ratio.")
    arguments = parser.parse_args()
    raw, out = arguments.folder / "raw", arguments.folder / "out"
    size = ["--scale", arguments.scale] if arguments.scale else []
    size += ["--participants", arguments.participants, "--trials", arguments.trials, "--seconds", arguments.seconds]
    run("synth", raw, "--no-video", "--seed", str(arguments.seed), *map(str, size))
    shutil.rmtree(out, ignore_errors=True)
    shutil.rmtree(default_cache(out), ignore_errors=True)
    build = ["build", "--raw", raw, "--out", out, "--workers", str(arguments.workers), "--json"]
    names = sorted(path.stem for path in raw.glob("P*/P??T??.c3d"))
    all_but_one = [part for name in names[:-1] for part in ("--trial", name)]
    first = run(*build, *all_but_one)
    one_more = run(*build)
    nothing = run(*build)
    stages, trials = stage_seconds(default_cache(out))
    total = sum(stages.values())
    print(f"| stage | s in {len(names)} trials | s per trial | share |\n|---|---:|---:|---:|")
    for name, seconds in stages.items():
        print(f"| {name} | {seconds:.0f} | {seconds / len(names):.2f} | {seconds / total:.0%} |")
    print(f"| all | {total:.0f} | {total / len(names):.2f} | |\n")
    in_order = [cost for _, cost in sorted(trials.values())]
    third = max(len(in_order) // 3, 1)
    flat = np.mean(in_order[-third:]) / np.mean(in_order[:third])
    print(f"- {len(names) - 1} trials, {arguments.workers} workers: {first.seconds:.0f} s")
    print(f"- the most memory that a process had: {first.peak_gb:.2f} GB")
    print(f"- the last third of the trials took {flat:.2f} times as long each as the first third")
    print(f"- one trial more: {one_more.seconds:.1f} s, {one_more.result['worked_on']} trials worked on")
    print(f"- nothing changed: {nothing.seconds:.1f} s")
    if arguments.one_worker:
        shutil.rmtree(out)
        shutil.rmtree(default_cache(out))
        build[build.index("--workers") + 1] = "1"
        alone = run(*build, *all_but_one)
        print(f"- one worker: {alone.seconds:.0f} s, {alone.seconds / first.seconds:.2f} times as long")
    print(f"- cores: {len(os.sched_getaffinity(0))}")


if __name__ == "__main__":
    main()
