"""How far joint centres are from the truth on the digital twin, for docs/science/joint_centres.md.

    python docs/measure_joints.py --folder CAPTURE           # the twin's own body: all tables
    python docs/measure_joints.py --folder OTHER --other     # another anatomy and soft tissue: errors and sigma
    python docs/measure_joints.py --folder CAPTURE --page    # and write the tables into the page

The folder is made where it is not there, and used again where it is: C3D files of the twin and the true joints, without
sound and pictures. Every take goes through each frame-by-frame method and through ``fit_skeleton`` with and without the
range-of-motion trial. Errors are mm in the world; intervals are 95 % and come from resampling participants, since the
takes of one person share markers, anatomy and skin. Labels are checked and repaired first, as in a build. Seed 2025
was not used while tuning.
"""

from __future__ import annotations

import argparse
import csv
import os
import re
import resource
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from functools import lru_cache
from multiprocessing import get_context
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow.parquet as pq
from joint_captures import in_processes, make_captures
from numpy.typing import ArrayLike, NDArray
from scipy.signal import detrend

from viodat.body import joint_centres
from viodat.body.labels import repair_labels
from viodat.body.skeleton.fit import fit_skeleton
from viodat.body.skeleton.result import SkeletonFit
from viodat.capture import MarkerTrial, read_c3d
from viodat.errors import BodyError
from viodat.files import write_text
from viodat.joints import JOINT_INDEX, JOINTS
from viodat.synth import TwinOptions
from viodat.synth.lab.c3d import MOCAP_HZ
from viodat.synth.plan import plan_trials

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]
PAGE: Final = Path(__file__).resolve().parent / "science" / "joint_centres.md"

FRAMEWISE: Final = ("pig", "midpoints", "auto")
FITS: Final = ("fit", "fit with ROM")
BAND_HZ: Final = (4.5, 7.5)
VIBRATING: Final = ("left_index", "left_pinky", "left_wrist")
LEAST_VIBRATO_MM: Final = 0.3
"""Root mean square of the true motion in the band below which a take is not asked what became of its vibrato."""
AIMS_MM: Final[Mapping[str, float]] = {
    "ankle": 4.0, "wrist": 4.0, "index": 4.0, "pinky": 4.0, "thumb": 4.0, "elbow": 6.0, "knee": 6.0, "shoulder": 10.0,
    "pelvis": 8.0,
}  # fmt: skip
"""Largest median error asked for."""
HIP_AIM_WITHOUT_ROM_MM: Final = 14.0
STEADY_AIM_MM: Final = 3.0
MOST_SPREAD: Final = 2.5
"""Largest 95th percentile asked for, in medians."""

_WINDOW_S, _MOST = 1.28, 0.6
_CARRIER: Final[Mapping[str, str]] = {
    "pelvis": "pelvis", "knee": "thigh", "ankle": "shank", "shoulder": "clavicle", "elbow": "upper_arm",
    "wrist": "forearm", "index": "hand", "pinky": "hand", "thumb": "hand",
}  # fmt: skip
_MEETING: Final[Mapping[str, tuple[str, ...]]] = {
    "pelvis": ("pelvis", "thigh"), "knee": ("thigh", "shank"), "ankle": ("shank", "foot"),
    "shoulder": ("clavicle", "upper_arm"), "elbow": ("upper_arm", "forearm"), "wrist": ("wrist", "hand"),
    "index": ("hand",), "pinky": ("hand",), "thumb": ("thumb",),
}  # fmt: skip
"""By joint, the segments whose markers say most of it; their names in a fit's report."""


@dataclass(frozen=True)
class Take:
    """What every method makes of one take.

    Attributes
    ----------
    participant, trial
        P05, P05T28.
    true
        (F, 18, 3) mm, world.
    errors
        By method (F, 18, 3) mm, world, NaN where it gives none.
    steady
        By method (F, 18) mm: error less the take's mean error in the frame of the segment that carries the joint.
    sigma
        By fit (F, 18) mm per coordinate.
    hidden
        (F, 18) whether a marker of the segments that meet at the joint is missing.
    vibrato
        (F,) whether a note with vibrato sounds.
    """

    participant: str
    trial: str
    true: FloatArray
    errors: Mapping[str, FloatArray]
    steady: Mapping[str, FloatArray]
    sigma: Mapping[str, FloatArray]
    hidden: BoolArray
    vibrato: BoolArray


def measure_take(folder: Path, trial: str) -> Take:
    """Run every method on one take."""
    participant = trial[:3]
    as_read, true = read_take(folder, trial)
    static, rom, measured = calibration_of(folder, participant)
    # As viodat build does, for every method alike.
    markers, _ = repair_labels(as_read, static=static)
    found: dict[str, FloatArray] = {}
    for method in FRAMEWISE:
        try:
            found[method] = joint_centres(markers, static=static, subject=measured, method=method).positions_mm
        except BodyError as error:
            print(f"{trial}: {error}")
            found[method] = np.full(true.shape, np.nan)
    fits = {
        "fit": fit_skeleton(markers, static=static, subject=measured),
        "fit with ROM": fit_skeleton(markers, static=static, rom=rom, subject=measured),
    }
    found |= {name: fit.positions_mm for name, fit in fits.items()}
    errors = {method: centres - true for method, centres in found.items()}
    axes = carrying_axes(fits["fit with ROM"], len(true))
    return Take(
        participant,
        trial,
        true,
        errors,
        {method: without_offset(error, axes) for method, error in errors.items()},
        {name: fit.sigma_frames_mm for name, fit in fits.items()},
        hidden_frames(markers, fits["fit with ROM"]),
        vibrato_frames(folder, trial, markers.times_ns),
    )


def read_take(folder: Path, trial: str) -> tuple[MarkerTrial, FloatArray]:
    """Markers of a take, and (F, 18, 3) mm the true joints in its frames."""
    markers = read_c3d(folder / trial[:3] / f"{trial}.c3d")
    table = pq.read_table(folder / "truth" / "joints" / f"{trial}.parquet")
    joints = np.asarray(table["joints_mm"].combine_chunks().flatten()).reshape(-1, len(JOINTS), 3)
    first = int(np.searchsorted(np.asarray(table["time_ns"]), markers.times_ns[0] - 1000))
    return markers, joints[first : first + markers.n_frames]


@lru_cache(maxsize=2)
def calibration_of(folder: Path, participant: str) -> tuple[MarkerTrial, MarkerTrial, dict[str, float]]:
    """Read the static trial, the range-of-motion trial and the measurements of a participant."""
    at = folder / participant
    with (at / "measurements.csv").open(encoding="utf-8", newline="") as file:
        row = next(csv.DictReader(file))
    measured = {name: float(value) for name, value in row.items() if name.endswith("_mm") and value}
    static = read_c3d(at / f"{participant}_static.c3d")
    rom, _ = repair_labels(read_c3d(at / f"{participant}_rom.c3d"), static=static)
    return static, rom, measured


def carrying_axes(fit: SkeletonFit, frames: int) -> FloatArray:
    """(F, 18, 3, 3) axes of the segment that carries each joint; the world's where the fit has none."""
    axes = np.tile(np.eye(3), (frames, len(JOINTS), 1, 1))
    for i, joint in enumerate(JOINTS):
        side, _, part = joint.partition("_")
        carrier = _CARRIER[part]
        own = fit.segment_axes.get(carrier if carrier == "pelvis" else f"{side}_{carrier}")
        if own is not None and np.isfinite(own).all():
            axes[:, i] = own
    return axes


def without_offset(error: FloatArray, axes: FloatArray) -> FloatArray:
    """(F, J) mm: size of errors (F, J, 3) less their mean in the axes (F, J, 3, 3) that move with each joint."""
    local = np.einsum("fjba,fjb->fja", axes, error)
    known = np.isfinite(local).all(axis=-1)
    mean = np.where(known[..., None], local, 0.0).sum(axis=0) / np.maximum(known.sum(axis=0), 1)[:, None]
    return np.asarray(np.linalg.norm(local - mean, axis=-1))


def hidden_frames(markers: MarkerTrial, fit: SkeletonFit) -> BoolArray:
    """(F, 18) frames in which a marker of the segments that meet at a joint is missing."""
    hidden = np.zeros((markers.n_frames, len(JOINTS)), dtype=bool)
    for i, joint in enumerate(JOINTS):
        side, _, part = joint.partition("_")
        meeting = {name if name == "pelvis" else f"{side}_{name}" for name in _MEETING[part]}
        for marker in fit.report.markers:
            if marker.segment in meeting:
                hidden[:, i] |= ~np.isfinite(markers.marker(marker.label)).all(axis=-1)
    return hidden


def vibrato_frames(folder: Path, trial: str, times_ns: NDArray[np.int64]) -> BoolArray:
    """(F,) frames in which a note with vibrato sounds, by the truth."""
    sounding = np.zeros(len(times_ns), dtype=bool)
    for note in pq.read_table(folder / "truth" / "notes" / f"{trial}.parquet").to_pylist():
        if note["vibrato_hz"] is not None:
            sounding |= (times_ns >= note["onset_ns"]) & (times_ns < note["offset_ns"])
    return sounding


def size(error: FloatArray) -> FloatArray:
    """(...,) mm of (..., 3)."""
    return np.asarray(np.linalg.norm(error, axis=-1))


def pooled(takes: Sequence[Take], of: Callable[[Take], FloatArray], joint: int) -> FloatArray:
    """Finite values of one joint over all frames of all takes."""
    values = np.concatenate([of(take)[:, joint] for take in takes])
    return values[np.isfinite(values)]


def bootstrap_interval(values: ArrayLike, seed: int = 0, draws: int = 10_000) -> tuple[float, float]:
    """95 % interval of the mean of values, one per participant, by drawing participants with replacement."""
    values = np.asarray(values, dtype=np.float64)
    picked = np.random.default_rng(seed).integers(0, len(values), (draws, len(values)))
    low, high = np.percentile(values[picked].mean(axis=1), [2.5, 97.5])
    return float(low), float(high)


def participant_means(takes: Sequence[Take], value: Callable[[Take], float]) -> FloatArray:
    """One number per participant: the mean of a number of each of their takes."""
    by_participant: dict[str, list[float]] = {}
    for take in takes:
        number = value(take)
        if np.isfinite(number):
            by_participant.setdefault(take.participant, []).append(number)
    return np.array([np.mean(numbers) for numbers in by_participant.values()])


def median_difference(take: Take, joint: int, method: str, against: str) -> float:
    """Difference of the medians of a take's errors, mm, over the frames in which both methods give the joint."""
    own, other = size(take.errors[method][:, joint]), size(take.errors[against][:, joint])
    both = np.isfinite(own) & np.isfinite(other)
    return float(np.median(own[both]) - np.median(other[both])) if both.any() else np.nan


def within(error: FloatArray, sigma: FloatArray) -> tuple[float, float]:
    """Share of coordinates (..., 3) within one and two sigma (...); NaN where nothing is determined."""
    ratio = np.abs(error) / sigma[..., None]
    ratio = ratio[np.isfinite(ratio)]
    return (float((ratio < 1).mean()), float((ratio < 2).mean())) if ratio.size else (np.nan, np.nan)


@dataclass(frozen=True)
class Response:
    """What is left of a motion in a band: true root mean square in mm, amplitude ratio, and delay in ms."""

    true_mm: float
    gain: float
    delay_ms: float


def band_response(
    true: FloatArray,
    found: FloatArray,
    rate_hz: float,
    where: BoolArray,
    band_hz: tuple[float, float] = BAND_HZ,
) -> Response | None:
    """Compare a motion (F, 3) with the true one by their cross-spectrum in a band.

    Spectra are means over windows of 1.28 s, half overlapping, and sums over the three axes. Taken are windows in which
    ``found`` has no gap and ``where`` (F,) holds in most frames; None without any. The gain |Sxy| / Sxx and the delay,
    -phase / (2π f), are means over the band weighted by the true power Sxx.
    """
    length = round(_WINDOW_S * rate_hz)
    known = np.isfinite(found).all(axis=-1)
    shape = np.hanning(length + 1)[:-1, None]
    power, shared, windows = np.zeros(length // 2 + 1), np.zeros(length // 2 + 1, dtype=np.complex128), 0
    for start in range(0, len(true) - length + 1, length // 2):
        part = slice(start, start + length)
        if known[part].all() and where[part].mean() > _MOST:
            own, other = (np.fft.rfft(shape * detrend(motion[part], axis=0), axis=0) for motion in (true, found))
            power += np.square(np.abs(own)).sum(axis=1)
            shared += (own.conj() * other).sum(axis=1)
            windows += 1
    if not windows:
        return None
    hz = np.fft.rfftfreq(length, 1 / rate_hz)
    inside = (hz >= band_hz[0]) & (hz <= band_hz[1])
    power, shared, hz = power[inside], shared[inside], hz[inside]
    share = power / power.sum()
    return Response(
        float(np.sqrt(2 * power.sum() / (windows * length * np.square(shape).sum()))),
        float((share * np.abs(shared) / power).sum()),
        float(1000 * (share * -np.angle(shared) / (2 * np.pi * hz)).sum()),
    )


def table(header: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    """Make a Markdown table."""
    lines = [header, ("---",) * len(header), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def aim_of(joint: str, method: str) -> float:
    """Largest median error asked for, mm."""
    part = joint.split("_", 1)[1]
    return HIP_AIM_WITHOUT_ROM_MM if part == "pelvis" and method != "fit with ROM" else AIMS_MM[part]


def error_table(takes: Sequence[Take]) -> str:
    """Median and 95th percentile by joint and method, and how many joints reach what was asked for."""
    methods, frames = (*FRAMEWISE, *FITS), sum(len(take.true) for take in takes)
    near, narrow = dict.fromkeys(methods, 0), dict.fromkeys(methods, 0)
    rows = []
    for i, joint in enumerate(JOINTS):
        cells = []
        for method in methods:
            values = pooled(takes, lambda take, m=method: size(take.errors[m]), i)
            if not values.size:
                cells.append("none")
                continue
            middle, high = float(np.median(values)), float(np.percentile(values, 95))
            near[method] += middle <= aim_of(joint, method)
            narrow[method] += high <= MOST_SPREAD * middle
            lost = 1 - values.size / frames
            cells.append(f"{middle:.1f} ({high:.1f})" + (f", {lost:.0%} missing" if lost >= 0.005 else ""))
        aims = [f"{aim_of(joint, name):g}" for name in FITS]
        rows.append((joint, *cells, aims[0] if aims[0] == aims[1] else f"{aims[0]}, with ROM {aims[1]}"))
    rows.append(("joints with the median within the aim", *(str(near[method]) for method in methods), "18"))
    rows.append((f"joints with p95 within {MOST_SPREAD:g} medians", *(str(narrow[method]) for method in methods), "18"))
    return table(("joint", *methods, "aim"), rows)


def steady_table(takes: Sequence[Take]) -> str:
    """Median after each take's constant offset is removed."""
    methods = (*FRAMEWISE, *FITS)
    rows = []
    for i, joint in enumerate(JOINTS):
        found = [pooled(takes, lambda take, m=method: take.steady[m], i) for method in methods]
        cells = [f"{np.median(values):.1f}" if values.size else "none" for values in found]
        rows.append((joint, *cells, f"{STEADY_AIM_MM:g}"))
    return table(("joint", *methods, "aim"), rows)


def best_framewise(takes: Sequence[Take], joint: int) -> str:
    """Frame-by-frame method with the smallest median error of a joint."""
    medians = {
        method: float(np.median(values))
        for method in FRAMEWISE
        if (values := pooled(takes, lambda take, m=method: size(take.errors[m]), joint)).size
    }
    return min(medians, key=lambda method: medians[method])


def paired_table(takes: Sequence[Take]) -> str:
    """Differences of the takes' medians against the best frame-by-frame method of each joint."""
    rows, verdicts = [], {name: {"better": 0, "worse": 0, "undecided": 0} for name in FITS}
    for i, joint in enumerate(JOINTS):
        best, cells = best_framewise(takes, i), []
        for name in FITS:
            means = participant_means(takes, lambda take, n=name, b=best, k=i: median_difference(take, k, n, b))
            low, high = bootstrap_interval(means)
            verdict = "better" if high < 0 else "worse" if low > 0 else "undecided"
            verdicts[name][verdict] += 1
            cells.append(f"{means.mean():+.1f} ({low:+.1f} to {high:+.1f}) {verdict}")
        rows.append((joint, best, *cells))
    counts = [", ".join(f"{n} {verdict}" for verdict, n in verdicts[name].items()) for name in FITS]
    return table(("joint", "best frame by frame", *FITS), [*rows, ("joints", "", *counts)])


def percent(shares: tuple[float, float]) -> str:
    """Shares within one and two sigma."""
    return f"{100 * shares[0]:.0f} / {100 * shares[1]:.0f}" if np.isfinite(shares).all() else "none"


def sigma_table(takes: Sequence[Take]) -> str:
    """Share of coordinate errors within one and two sigma, in all frames and in gaps."""
    hidden = np.concatenate([take.hidden for take in takes])
    columns: dict[str, tuple[FloatArray, FloatArray]] = {
        name: (
            np.concatenate([take.errors[name] for take in takes]),
            np.concatenate([take.sigma[name] for take in takes]),
        )
        for name in FITS
    }
    rows = []
    for i, joint in enumerate(JOINTS):
        cells = []
        for error, sigma in columns.values():
            gap = hidden[:, i]
            cells += [
                f"{np.nanmedian(sigma[:, i]):.1f}" if np.isfinite(sigma[:, i]).any() else "none",
                percent(within(error[:, i], sigma[:, i])),
                percent(within(error[gap, i], sigma[gap, i])),
            ]
        rows.append((joint, f"{hidden[:, i].mean():.0%}", *cells))
    cells = []
    for name, (error, sigma) in columns.items():
        cells += ["", percent(within(error, sigma)), percent(within(error[hidden], sigma[hidden]))]
        spans = []
        for k in (0, 1):
            shares = participant_means(takes, lambda take, n=name, k=k: within(take.errors[n], take.sigma[n])[k])
            low, high = bootstrap_interval(shares)
            spans.append(f"{100 * low:.0f} to {100 * high:.0f}")
        cells[-2] += f" ({', '.join(spans)})"
    rows.append(("all", f"{hidden.mean():.0%}", *cells))
    own = [f"{name}{what}" for name in FITS for what in (": σ, mm", ": within 1σ / 2σ, %", ": the same in gaps, %")]
    return table(("joint", "frames in gaps", *own), rows)


def vibrato_table(takes: Sequence[Take]) -> str:
    """Tell what becomes of vibrato in the left hand."""
    rows = []
    for joint in VIBRATING:
        i = JOINT_INDEX[joint]
        for method in ("auto", *FITS):
            responses = [
                band_response(take.true[:, i], take.true[:, i] + take.errors[method][:, i], MOCAP_HZ, take.vibrato)
                for take in takes
            ]
            found = [one for one in responses if one is not None and one.true_mm >= LEAST_VIBRATO_MM]
            if not found:
                rows.append((joint, method, "0", "", "", ""))
                continue
            rows.append(
                (
                    joint,
                    method,
                    str(len(found)),
                    f"{np.median([one.true_mm for one in found]):.2f}",
                    spread([one.gain for one in found], 3),
                    spread([one.delay_ms for one in found], 2),
                )
            )
    return table(("joint", "method", "takes", "true motion, mm rms", "amplitude ratio", "delay, ms"), rows)


def spread(values: Sequence[float], digits: int) -> str:
    """Median with the smallest and the largest."""
    return f"{np.median(values):.{digits}f} ({min(values):.{digits}f} to {max(values):.{digits}f})"


def time_fit(folder: Path, trial: str, seconds: float, with_rom: bool) -> tuple[float, float]:
    """Process time of a fit in s and the growth of this process's memory above what it had before, MB.

    One process may measure once: the system tells a process only of its own highest mark.
    """
    markers, _ = read_take(folder, trial)
    static, rom, measured = calibration_of(folder, trial[:3])
    # What is compiled and loaded once is not the trial's.
    fit_skeleton(shortened(markers, 2.0), static=static, subject=measured)
    before = resident_mb()
    begin = time.process_time()
    fit_skeleton(shortened(markers, seconds), static=static, rom=rom if with_rom else None, subject=measured)
    taken = time.process_time() - begin
    return taken, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024 - before


def resident_mb() -> float:
    """Memory of this process, MB."""
    # Linux only; the highest mark below is in kB there.
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * resource.getpagesize() / 2**20


def shortened(trial: MarkerTrial, seconds: float) -> MarkerTrial:
    """Keep the first frames of a trial, markers only."""
    n = round(seconds * trial.rate_hz)
    return replace(
        trial, positions_mm=trial.positions_mm[:n], residuals=trial.residuals[:n], virtual={}, other={}, outputs={}
    )


def speed_table(folder: Path, seed: int) -> str:
    """Speed and memory of a fit, each in a process of its own with one thread."""
    long = folder / "long"
    options = TwinOptions(participants=1, trials=1, seconds=50.0, seed=seed, cameras=1, video=False)
    make_captures(long, options, other=False, workers=1)
    trial = plan_trials(options)[0].trial
    rows = []
    for with_rom in (False, True):
        for seconds in (12.0, 50.0):
            with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
                taken, grown = pool.submit(time_fit, long, trial, seconds, with_rom).result()
            name = FITS[with_rom]
            rows.append((name, f"{seconds:g}", f"{taken:.1f}", f"{seconds / taken:.1f}", f"{grown:.0f}"))
    return table(("", "trial, s", "one core, s", "times real time", "memory on top, MB"), rows)


def tables(folder: Path, options: TwinOptions, other: bool, workers: int, speed: bool) -> dict[str, str]:
    """All tables by name."""
    make_captures(folder, options, other, workers)
    takes: list[Take] = in_processes(
        measure_take, [(folder, plan.trial) for plan in plan_trials(options)], workers, "fitted"
    )
    made = {
        "joint-errors": error_table(takes),
        "joint-errors-steady": steady_table(takes),
        "joint-errors-paired": paired_table(takes),
        "joint-sigma": sigma_table(takes),
    }
    if other:
        return {f"{name}-other": text for name, text in made.items()}
    made["joint-vibrato"] = vibrato_table(takes)
    if speed:
        made["joint-speed"] = speed_table(folder, options.seed)
    return made


def main() -> None:
    """Measure a capture."""
    # Before any worker loads numpy: figures are those of one core, and two workers do not fight for cores.
    os.environ |= {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "NUMBA_NUM_THREADS": "1"}
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--folder", type=Path, required=True, help="captures, made where they are not there")
    arguments.add_argument("--other", action="store_true", help="with another anatomy and soft tissue")
    arguments.add_argument("--participants", type=int, default=12)
    arguments.add_argument("--takes", type=int, default=4)
    arguments.add_argument("--seconds", type=float, default=12.0)
    arguments.add_argument("--seed", type=int, default=2025)
    arguments.add_argument("--workers", type=int, default=2)
    arguments.add_argument("--no-speed", action="store_true", help="leave out speed and memory")
    arguments.add_argument("--only-make", action="store_true", help="make the captures and measure nothing")
    arguments.add_argument("--page", action="store_true", help=f"write the tables into {PAGE.name}")
    given = arguments.parse_args()
    options = TwinOptions(
        participants=given.participants,
        trials=given.takes,
        seconds=given.seconds,
        seed=given.seed,
        cameras=1,
        video=False,
    )
    if given.only_make:
        make_captures(given.folder, options, given.other, given.workers)
        return
    made = tables(given.folder, options, given.other, given.workers, speed=not given.no_speed)
    for name, text in made.items():
        print(f"\n{name}\n\n{text}")
    if given.page:
        page = PAGE.read_text(encoding="utf-8")
        for name, text in made.items():
            pattern = re.compile(rf"(<!-- measured: {name} -->\n).*?(<!-- end measured -->)", re.DOTALL)
            page, count = pattern.subn(lambda found, text=text: f"{found[1]}\n{text}\n\n{found[2]}", page)
            if count != 1:
                raise SystemExit(f"{PAGE} has {count} places for {name}; one was expected.")
        write_text(PAGE, page)


if __name__ == "__main__":
    main()
