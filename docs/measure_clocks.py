"""How far clocks are from the truth on the digital twin, for docs/science/clocks.md.

    python docs/measure_clocks.py --folder FOLDER            # all captures and tables
    python docs/measure_clocks.py --folder FOLDER --page     # and write the tables into the page

Captures are made in the folder where they are not there, without pixels. What was read of each trial is kept beside
them (delete it where reading has changed), and so is what its evidence says, under the digest of viodat/clock. An
error is the largest over the beginning, the middle and the end of the marker recording. Percentiles come with the
upper end of their 90 % interval from resampling trials (95 % of the time the true percentile is lower), shares with
the exact upper bound of Clopper and Pearson at 95 %. Seeds are not those of the development.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import pickle
import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from multiprocessing import get_context
from pathlib import Path
from typing import Final, cast

import numpy as np
import pyarrow.parquet as pq
from numpy.typing import NDArray
from scipy.stats import beta

import viodat.clock
from viodat.build import BuildOptions
from viodat.build.clock_evidence import without_curves
from viodat.build.prepare import trial_offers
from viodat.build.raw import open_raw
from viodat.clock import Evidence, TrialClocks, TrialEvidence, gather, solve_session, solve_trial
from viodat.files import write_bytes, write_text
from viodat.synth import TwinOptions
from viodat.synth.twin import write_twin

FloatArray = NDArray[np.float64]
PAGE: Final = Path(__file__).resolve().parent / "science" / "clocks.md"
HALF_FRAME_S: Final = 1 / 60
_DRAWS: Final = 1000

_COMMON: Final = TwinOptions(video=False, rom_seconds=0.0)
CAPTURES: Final[Mapping[str, TwinOptions]] = {
    "one clap": replace(_COMMON, participants=12, trials=9, seed=7101, claps=1),
    "three claps": replace(_COMMON, participants=12, trials=9, seed=7102, claps=3),
    "no clap": replace(_COMMON, participants=12, trials=9, seed=7103, claps=0),
    "50 s": replace(_COMMON, participants=12, trials=2, seed=7104, seconds=50.0),
    "70 s": replace(_COMMON, participants=4, trials=2, seed=7105, seconds=70.0),
    "bare room": replace(_COMMON, participants=12, trials=1, seed=7106, room="bare"),
    "hall": replace(_COMMON, participants=12, trials=1, seed=7107, room="hall"),
}


@dataclass(frozen=True)
class Recording:
    """The truth of one device: its sound's clock and its frames, s."""

    device_s: FloatArray
    mocap_s: FloatArray
    stamps_s: FloatArray
    frames_s: FloatArray

    def mocap(self, device_s: FloatArray) -> FloatArray:
        """Mocap time at times on the sound's clock; straight on beyond the table."""
        piece = np.clip(np.searchsorted(self.device_s, device_s) - 1, 0, len(self.device_s) - 2)
        slope = np.diff(self.mocap_s) / np.diff(self.device_s)
        return self.mocap_s[piece] + slope[piece] * (device_s - self.device_s[piece])

    def device(self, mocap_s: FloatArray) -> FloatArray:
        """Give the time on the sound's clock at mocap times within the table."""
        return np.interp(mocap_s, self.mocap_s, self.device_s)


@dataclass(frozen=True)
class Trial:
    """What the evidence says of one trial, and the truth.

    Attributes
    ----------
    evidence
        Of its own recordings.
    strangers
        Of its motion with the recordings of the trial before.
    span_s
        First and last marker frame, mocap time.
    truth
        By device.
    level, claps, faults
        Of the player and the trial.
    seconds
        That gathering took.
    """

    evidence: Evidence
    strangers: Evidence | None
    span_s: tuple[float, float]
    truth: Mapping[str, Recording]
    level: str
    claps: int
    faults: tuple[str, ...]
    seconds: float


def offered(folder: Path, trial: str) -> TrialEvidence:
    """Read a trial as a build does, up to what its clocks are estimated from; or what was kept of it."""
    inputs = folder.with_name(f"{folder.name}_inputs") / f"{trial}.pickle"
    if inputs.is_file():
        return cast(TrialEvidence, pickle.loads(inputs.read_bytes()))
    raw = open_raw(folder)
    files = next(one for one in raw.layout.trials if one.id == trial)
    read = trial_offers(files, raw, BuildOptions(pose2d="files"))
    write_bytes(inputs, pickle.dumps(read))
    return read


def measure_trials(folder: Path, kept: Path, trials: Sequence[str]) -> None:
    """Gather the evidence of consecutive trials; each also with the recordings of the one before."""
    before: TrialEvidence | None = None
    for name in trials:
        own = offered(folder, name)
        began = time.perf_counter()
        evidence = gather(own)
        seconds = time.perf_counter() - began
        strangers = None
        if before is not None and own.motion is not None:
            strangers = without_curves(gather(TrialEvidence(own.motion, before.devices)))
        before = own
        truth = json.loads((folder / "truth" / "trials" / f"{name}.json").read_text())
        assert own.motion is not None
        trial = Trial(
            without_curves(evidence),
            strangers,
            (float(own.motion.times_s[0]), float(own.motion.times_s[-1])),
            {device.name: truth_of(folder, name, device.name) for device in own.devices},
            truth["level"],
            len(truth["claps_s"]),
            tuple(truth["faults"]),
            seconds,
        )
        write_bytes(kept / f"{name}.pickle", pickle.dumps(trial))


def truth_of(folder: Path, trial: str, device: str) -> Recording:
    """Read the truth of a recording."""
    recording = trial[:3] + device + trial[3:]
    clocks = pq.read_table(folder / "truth" / "audio_clocks.parquet", filters=[("recording", "=", recording)])
    frames = pq.read_table(folder / "truth" / "frames" / f"{recording}.parquet")
    pts = frames["pts"].to_numpy().astype(np.float64) / 90_000
    return Recording(
        clocks["t_device_s"].to_numpy(),
        clocks["t_mocap_s"].to_numpy(),
        pts,
        frames["time_ns"].to_numpy() / 1e9,
    )


def capture_of(root: Path, name: str, options: TwinOptions, workers: int) -> dict[str, Trial]:
    """Make a capture and gather its evidence, or read what was kept."""
    folder = root / name.replace(" ", "_")
    write_twin(folder, options, workers=workers)
    kept = folder.with_name(f"{folder.name}_evidence") / _digest_of_code()
    kept.mkdir(parents=True, exist_ok=True)
    folder.with_name(f"{folder.name}_inputs").mkdir(exist_ok=True)
    wanted = trials_of(folder)
    missing = [trial for trial in wanted if not (kept / f"{trial}.pickle").is_file()]
    chunks = [missing[k : k + _CHUNK] for k in range(0, len(missing), _CHUNK)]
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        for done in [pool.submit(measure_trials, folder, kept, chunk) for chunk in chunks]:
            done.result()
    # Our own files of a moment ago.
    return {trial: pickle.loads((kept / f"{trial}.pickle").read_bytes()) for trial in wanted}


def trials_of(folder: Path) -> list[str]:
    """Names of a capture's trials."""
    return sorted(path.stem for path in (folder / "truth" / "trials").glob("*.json"))


def _digest_of_code() -> str:
    sources = sorted(Path(viodat.clock.__file__).parent.rglob("*.py"))
    return hashlib.sha256(b"".join(path.read_bytes() for path in sources)).hexdigest()[:12]


_CHUNK: Final = 9


@dataclass(frozen=True)
class Error:
    """Of one device in one trial, ms: signed where it is largest, and its sigma there; NaN without an answer."""

    trial: str
    device: str
    level: str
    sound_ms: float
    sound_sigma_ms: float
    picture_ms: float
    picture_sigma_ms: float
    drift_ppm: float
    drift_sigma_ppm: float


def errors_of(trials: Mapping[str, Trial], solved: Mapping[str, TrialClocks]) -> list[Error]:
    """Compare clocks with the truth."""
    rows = []
    for name, trial in trials.items():
        clocks = solved[name].clocks
        for device in solved[name].evidence.devices:
            true = trial.truth[device]
            row = Error(name, device, trial.level, *[float("nan")] * 6)
            if device in clocks:
                clock = clocks[device]
                # A phone that was stopped, or started late, is measured where it recorded.
                first, last = max(trial.span_s[0], true.mocap_s[0]), min(trial.span_s[1], true.mocap_s[-1])
                at = true.device(np.linspace(first, last, 3))
                stated = at * clock.rate_ratio
                heard = _largest(clock.apply(stated) - true.mocap(at), clock.sigma_s(stated))
                inside = np.flatnonzero((true.frames_s >= first) & (true.frames_s <= last))
                some = inside[[0, len(inside) // 2, -1]]
                of_picture = clock.of_picture()
                seen = _largest(
                    of_picture.apply(true.stamps_s[some]) - true.frames_s[some],
                    of_picture.sigma_s(true.stamps_s[some]),
                )
                drift = (true.mocap_s[-1] - true.mocap_s[0]) / (true.device_s[-1] - true.device_s[0]) / clock.rate_ratio
                row = replace(
                    row,
                    sound_ms=heard[0],
                    sound_sigma_ms=heard[1],
                    picture_ms=seen[0],
                    picture_sigma_ms=seen[1],
                    drift_ppm=clock.drift_ppm - (drift - 1) * 1e6,
                    drift_sigma_ppm=clock.drift_sigma_ppm,
                )
            rows.append(row)
    return rows


def _largest(errors_s: FloatArray, sigmas_s: FloatArray) -> tuple[float, float]:
    worst = int(np.argmax(np.abs(errors_s)))
    return float(errors_s[worst] * 1e3), float(sigmas_s[worst] * 1e3)


def between_sounds(trials: Mapping[str, Trial], solved: Mapping[str, TrialClocks]) -> list[Error]:
    """Errors of pairs of devices against each other: what is the same in both is not in them."""
    found = []
    for name, trial in trials.items():
        clocks = solved[name].clocks
        devices = sorted(clocks)
        at_mocap = np.linspace(*trial.span_s, 3)
        for k, a in enumerate(devices):
            for b in devices[k + 1 :]:
                wrong = [clocks[d].apply(trial.truth[d].device(at_mocap)) - at_mocap for d in (a, b)]
                worst, _ = _largest(wrong[0] - wrong[1], np.zeros(3))
                drifts = [
                    clocks[d].drift_ppm - (np.ptp(trial.truth[d].mocap_s) / np.ptp(trial.truth[d].device_s) - 1) * 1e6
                    for d in (a, b)
                ]
                nan = float("nan")
                found.append(Error(name, f"{a} {b}", trial.level, worst, nan, nan, nan, drifts[0] - drifts[1], nan))
    return found


def only(
    trials: Mapping[str, Trial], kinds: Sequence[str], devices: Sequence[str] | None = None, *, strangers: bool = False
) -> dict[str, Evidence]:
    """Keep some kinds of evidence, and some devices."""
    chosen = {}
    for name, trial in trials.items():
        evidence = trial.strangers if strangers else trial.evidence
        if evidence is None:
            continue
        names = tuple(evidence.devices if devices is None else [d for d in evidence.devices if d in devices])
        with_sound = frozenset(names) & evidence.with_sound if "sound" in kinds else frozenset[str]()
        chosen[name] = Evidence(
            names,
            with_sound,
            frozenset(names) & evidence.with_picture,
            tuple(
                one
                for one in evidence.observations
                if one.method in kinds
                and one.a.device in names
                and one.b.device in ("", *names)
                and (with_sound or "sound" not in (one.a.kind, one.b.kind))
            ),
        )
    return chosen


ALL: Final = ("sound", "analog", "clap", "playing", "vibrato", "picture", "cameras")


def by_participant(evidence: Mapping[str, Evidence]) -> dict[str, TrialClocks]:
    """Solve each participant's trials as a session of its own."""
    solved: dict[str, TrialClocks] = {}
    for participant in sorted({name[:3] for name in evidence}):
        solved |= solve_session({name: one for name, one in evidence.items() if name[:3] == participant})
    return solved


def each_alone(evidence: Mapping[str, Evidence]) -> dict[str, TrialClocks]:
    """Solve each trial without the others."""
    return {name: solve_trial(one) for name, one in evidence.items()}


# Tables


def percentile(rows: Sequence[Error], value: Callable[[Error], float], q: float = 95.0) -> tuple[float, float]:
    """Give a percentile of the absolute value over the rows, and its upper bound by resampling trials."""
    by_trial: dict[str, list[float]] = {}
    for row in rows:
        if np.isfinite(value(row)):
            by_trial.setdefault(row.trial, []).append(abs(value(row)))
    groups = [np.array(values) for values in by_trial.values()]
    if not groups:
        return float("nan"), float("nan")
    rng = np.random.default_rng(0)
    drawn = [
        np.percentile(np.concatenate([groups[k] for k in rng.integers(0, len(groups), len(groups))]), q)
        for _ in range(_DRAWS)
    ]
    return float(np.percentile(np.concatenate(groups), q)), float(np.percentile(drawn, 95))


def upper_share(count: int, total: int) -> float:
    """Upper bound of a share at 95 %, Clopper and Pearson 1934."""
    return 1.0 if count >= total else float(beta.ppf(0.95, count + 1, total - count))


def within(rows: Sequence[Error], value: Callable[[Error], float], sigma: Callable[[Error], float]) -> str:
    """Shares within one and two sigma."""
    z = np.array([abs(value(row)) / sigma(row) for row in rows if np.isfinite(value(row))])
    return f"{np.mean(z <= 1):.0%} / {np.mean(z <= 2):.0%}" if len(z) else "-"


def line(what: str, rows: Sequence[Error], stream: str, aim: str) -> str:
    """One row of the first table."""

    def value(row: Error) -> float:
        return float(getattr(row, f"{stream}_ms"))

    def sigma(row: Error) -> float:
        return float(getattr(row, f"{stream}_sigma_ms"))

    answered = [row for row in rows if np.isfinite(value(row))]
    half, _ = percentile(rows, value, 50.0)
    high, bound = percentile(rows, value)
    none = len(rows) - len(answered)
    wrong = sum(abs(value(row)) > max(4 * sigma(row), HALF_FRAME_S * 1e3) for row in answered)
    return (
        f"| {what} | {len({row.trial for row in rows})} | {half:.1f} | {high:.1f} (≤ {bound:.1f}) | {aim} | "
        f"{within(rows, value, sigma)} | {none} of {len(rows)} (≤ {upper_share(none, len(rows)):.1%}) | "
        f"{wrong} (≤ {upper_share(wrong, max(len(answered), 1)):.1%}) |"
    )


HEAD: Final = (
    "| clocks, ms | trials | median | p95 (bound) | aim | within 1 / 2 σ | no answer | confidently wrong |\n"
    "|---|---:|---:|---:|---:|---:|---:|---:|"
)


def tables(captures: Mapping[str, Mapping[str, Trial]]) -> Iterator[str]:
    """Give the tables of the page, line by line."""
    yield HEAD
    for name, aim in (("one clap", "5"), ("three claps", "3")):
        yield line(f"sound, {name}", errors_of(captures[name], each_alone(only(captures[name], ALL))), "sound", aim)
    playing = only(captures["no clap"], ("sound", "playing", "vibrato"))
    rows = errors_of(captures["no clap"], each_alone(playing))
    yield line("sound, playing alone (no clap, no picture)", rows, "sound", "10")
    rows = errors_of(captures["no clap"], each_alone(only(captures["no clap"], ALL)))
    yield line("sound, no clap, all evidence", rows, "sound", "-")
    for name in ("one clap", "three claps", "no clap"):
        rows = errors_of(captures[name], by_participant(only(captures[name], ALL)))
        yield line(f"picture, {name}, skew pooled over the participant's 9 trials", rows, "picture", "6")
    rows = []
    for name in ("one clap", "three claps", "no clap"):
        whole = errors_of(captures[name], solve_session(only(captures[name], ALL)))
        rows += [replace(row, trial=f"{name} {row.trial}") for row in whole]
    yield line("sound, all of these, whole captures as sessions", rows, "sound", "-")
    yield line("picture, likewise", rows, "picture", "-")
    for name, seconds, aim in (("no clap", 12, "20"), ("50 s", 50, "15")):
        seen = only(captures[name], ("sound", "picture", "cameras"))
        rows = errors_of(captures[name], each_alone(seen))
        for what, some in _by_bows(rows):
            yield line(
                f"picture from pictures alone, 4 cameras tied by sound, {seconds} s, {what}", some, "picture", aim
            )
        one = [
            row
            for device in ("C01", "C02", "C07", "C08")
            for row in errors_of(captures[name], each_alone(only(captures[name], ("picture",), (device,))))
        ]
        for what, some in _by_bows(one):
            yield line(f"picture from one camera, {seconds} s, {what}", some, "picture", "40")
    for name in ("bare room", "hall"):
        rows = errors_of(captures[name], each_alone(only(captures[name], ALL)))
        yield line(f"sound, {name}", rows, "sound", "-")
    yield ""
    yield "| phone against phone, by sound, ms | pairs | median | p95 (bound) | aim | drift, ppm: p95 (bound) |"
    yield "|---|---:|---:|---:|---:|---:|"
    for name in ("one clap", "no clap", "50 s", "70 s", "bare room", "hall"):
        solved = each_alone(only(captures[name], ALL))
        pairs = between_sounds(captures[name], solved)
        half, _ = percentile(pairs, lambda row: row.sound_ms, 50.0)
        high, bound = percentile(pairs, lambda row: row.sound_ms)
        drift, most = percentile(pairs, lambda row: row.drift_ppm)
        yield f"| {name} | {len(pairs)} | {half:.2f} | {high:.2f} (≤ {bound:.2f}) | 0.5 | {drift:.1f} (≤ {most:.1f}) |"
    yield ""
    yield "| drift against mocap | devices | median, ppm | p95 | within 1 / 2 σ |\n|---|---:|---:|---:|---:|"
    for name in ("one clap", "no clap", "50 s", "70 s"):
        rows = errors_of(captures[name], solve_session(only(captures[name], ALL)))
        half, _ = percentile(rows, lambda row: row.drift_ppm, 50.0)
        high, _ = percentile(rows, lambda row: row.drift_ppm)
        shares = within(rows, lambda row: row.drift_ppm, lambda row: row.drift_sigma_ppm)
        yield f"| {name}, as a session | {len(rows)} | {half:.1f} | {high:.1f} | {shares} |"
    yield ""
    yield from _strangers(captures)


def _by_bows(rows: Sequence[Error]) -> Iterator[tuple[str, list[Error]]]:
    """Part the twin's novices, whose bows are long and slow, from the others."""
    yield "not novices", [row for row in rows if row.level != "novice"]
    yield "novices: long bows", [row for row in rows if row.level == "novice"]


def _strangers(captures: Mapping[str, Mapping[str, Trial]]) -> Iterator[str]:
    yield "| recordings of another trial | recordings | accepted (bound) |\n|---|---:|---:|"
    for name in ("one clap", "three claps", "no clap", "50 s"):
        for what, kinds in (("all evidence", ALL), ("sound alone", ("sound", "clap", "playing", "vibrato"))):
            solved = each_alone(only(captures[name], kinds, strangers=True))
            total = sum(len(one.evidence.devices) for one in solved.values())
            taken = sum(len(one.clocks) for one in solved.values())
            trials = sum(bool(one.clocks) for one in solved.values())
            yield (
                f"| {name}, {what} | {total} of {len(solved)} trials | {taken} of {trials} trials "
                f"(trials ≤ {upper_share(trials, max(len(solved), 1)):.1%}) |"
            )


def main() -> None:
    """Run it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--seed", type=int, default=0, help="added to the captures' seeds")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--page", action="store_true", help="write the tables into docs/science/clocks.md")
    arguments = parser.parse_args()
    arguments.folder.mkdir(parents=True, exist_ok=True)
    captures: dict[str, Mapping[str, Trial]] = {}
    for name, options in CAPTURES.items():
        seeded = replace(options, seed=options.seed + arguments.seed)
        captures[name] = capture_of(arguments.folder, name, seeded, arguments.workers)
    text = "\n".join(tables(captures))
    print(text)
    if arguments.page:
        page = PAGE.read_text(encoding="utf-8")
        marked = re.compile(r"(<!-- measured -->\n).*?(\n<!-- end measured -->)", re.DOTALL)
        write_text(PAGE, marked.sub(lambda found: found[1] + text + found[2], page))


if __name__ == "__main__":
    main()
