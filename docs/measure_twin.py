"""What the simulated lab's recordings are like, measured on the files as a lab would, for docs/science/twin.md.

Run ``python docs/measure_twin.py CAPTURE`` on a capture of ``viodat synth``. It reads the raw files with viodat's
readers and the truth beside them, and prints one Markdown table per subject. ``--page`` writes them into the page.
"""

from __future__ import annotations

import argparse
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Final

import librosa
import numpy as np
import pyarrow.parquet as pq
from numpy.typing import NDArray
from scipy.ndimage import uniform_filter1d
from scipy.signal import welch

from viodat.capture import read_audio, read_c3d, read_cameras
from viodat.files import write_text
from viodat.joints import JOINT_INDEX
from viodat.synth import TwinOptions
from viodat.synth.plan import plan_trials
from viodat.synth.sound.take import violin_pressure
from viodat.synth.trial import take_of

FloatArray = NDArray[np.float64]
PAGE: Final = Path(__file__).resolve().parent / "science" / "twin.md"
RATE_HZ: Final = 100.0
_MOST_LAG = 5


@dataclass(frozen=True)
class Trial:
    """One trial's files: raw beside ``truth/``."""

    folder: Path
    name: str

    @property
    def participant(self) -> str:
        """P05 of P05T28."""
        return self.name[:3]

    @cached_property
    def record(self) -> dict[str, object]:
        """What the twin says of the trial."""
        return dict(json.loads((self.folder / "truth" / "trials" / f"{self.name}.json").read_text(encoding="utf-8")))

    @cached_property
    def joints(self) -> FloatArray:
        """(T, 18, 3) mm, world, 100 Hz."""
        table = pq.read_table(self.folder / "truth" / "joints" / f"{self.name}.parquet")
        return np.stack(table["joints_mm"].to_numpy()).reshape(-1, 18, 3)

    @cached_property
    def time_s(self) -> FloatArray:
        """(T,) s on the mocap clock, of ``joints`` and ``control``."""
        table = pq.read_table(self.folder / "truth" / "joints" / f"{self.name}.parquet", columns=["time_ns"])
        return table["time_ns"].to_numpy() / 1e9

    @cached_property
    def control(self) -> dict[str, NDArray]:
        """Control signals by name."""
        table = pq.read_table(self.folder / "truth" / "control" / f"{self.name}.parquet")
        return {name: table[name].to_numpy() for name in table.column_names}

    @cached_property
    def notes(self) -> list[dict]:
        """Rows of the notes' table."""
        return pq.read_table(self.folder / "truth" / "notes" / f"{self.name}.parquet").to_pylist()

    def joint(self, name: str) -> FloatArray:
        """(T, 3) mm."""
        return self.joints[:, JOINT_INDEX[name]]

    def sound(self, recording: str) -> tuple[FloatArray, float]:
        """Give the samples of a recording, and its rate."""
        for suffix in (".mp4", ".m4a", ".wav"):
            path = self.folder / self.participant / f"{recording}{suffix}"
            if path.is_file():
                track = read_audio(path)
                return track.samples.mean(axis=1), track.rate_hz
        raise FileNotFoundError(recording)

    def mocap_s(self, recording: str, device_s: FloatArray) -> FloatArray:
        """Give times of a device's clock on the mocap clock."""
        clocks = pq.read_table(self.folder / "truth" / "audio_clocks.parquet", filters=[("recording", "==", recording)])
        return np.interp(device_s, clocks["t_device_s"].to_numpy(), clocks["t_mocap_s"].to_numpy())


def trials_of(folder: Path) -> list[Trial]:
    """All trials of a capture."""
    return [Trial(folder, path.stem) for path in sorted((folder / "truth" / "trials").glob("*.json"))]


def bend_deg(a: FloatArray, b: FloatArray, c: FloatArray) -> FloatArray:
    """Angle by which the limb a-b-c is bent at b: 0 where it is straight."""
    u, v = b - a, c - b
    cosine = (u * v).sum(-1) / np.linalg.norm(u, axis=-1) / np.linalg.norm(v, axis=-1)
    return np.degrees(np.arccos(np.clip(cosine, -1, 1)))


def speed_m_s(track: FloatArray) -> FloatArray:
    """(T-2,) central differences at 100 Hz."""
    return np.linalg.norm(track[2:] - track[:-2], axis=-1) * RATE_HZ / 2 / 1000


def spread(values: Iterable[float], digits: int = 2) -> str:
    """Median with the 5th and 95th percentile."""
    low, middle, high = np.percentile(np.concatenate([np.atleast_1d(v) for v in values]), [5, 50, 95])
    return f"{middle:.{digits}f} ({low:.{digits}f} to {high:.{digits}f})"


def playing(trial: Trial) -> NDArray[np.bool_]:
    """(T,) where a note sounds."""
    return np.asarray(trial.control["playing"], dtype=bool)


def strokes_mm(trial: Trial) -> FloatArray:
    """Length of each bow stroke on the string."""
    speed = np.where(playing(trial), trial.control["bow_speed"], 0.0)
    cuts = np.flatnonzero(np.diff(np.sign(speed))) + 1
    pieces = [abs(part.sum()) / RATE_HZ for part in np.split(speed, cuts)]
    return np.array([mm for mm in pieces if mm > 5.0])


def motion_rows(trials: list[Trial]) -> list[tuple[str, ...]]:
    """Rows of what the body does, by level."""
    rows = []
    for level in dict.fromkeys(str(trial.record["level"]) for trial in trials):
        group = [trial for trial in trials if trial.record["level"] == level]
        shoulders = [trial.joint("left_shoulder") + trial.joint("right_shoulder") for trial in group]
        hips = [(trial.joint("left_pelvis") + trial.joint("right_pelvis")) / 2 for trial in group]
        peak = [np.percentile(np.abs(t.control["bow_speed"][playing(t)]), 99) / 1000 for t in group]
        rows.append(
            (
                level,
                str(len(group)),
                spread([np.abs(t.control["bow_speed"][playing(t)]) / 1000 for t in group]),
                f"{max(peak):.2f}",
                spread([strokes_mm(t) for t in group], 0),
                spread(
                    [
                        bend_deg(t.joint("right_shoulder"), t.joint("right_elbow"), t.joint("right_wrist"))
                        for t in group
                    ],
                    0,
                ),
                spread([speed_m_s(t.joint("right_wrist"))[playing(t)[1:-1]] for t in group]),
                spread([speed_m_s(t.joint("right_elbow"))[playing(t)[1:-1]] for t in group]),
                spread([np.sqrt(((h - h.mean(0))[:, :2] ** 2).sum(1).mean()) for h in hips], 1),
                spread([np.sqrt(((h - h.mean(0))[:, :2] ** 2).sum(1).mean()) / 2 for h in shoulders], 1),
            )
        )
    return rows


def sway_share(trials: list[Trial], below_hz: float = 1.0) -> FloatArray:
    """Share of the pelvis' horizontal power below a frequency, per trial."""
    shares = []
    for trial in trials:
        track = ((trial.joint("left_pelvis") + trial.joint("right_pelvis")) / 2)[:, :2]
        hz, power = welch(track, fs=RATE_HZ, nperseg=min(len(track), 1024), axis=0, detrend="linear")
        total = power.sum(1)
        shares.append(total[hz <= below_hz].sum() / total.sum())
    return np.array(shares)


def bone_errors_mm(trials: list[Trial]) -> float:
    """Worst deviation of a bone's length from its mean in its trial."""
    worst = 0.0
    for trial in trials:
        for side in ("left", "right"):
            for a, b in (
                ("shoulder", "elbow"),
                ("elbow", "wrist"),
                ("wrist", "index"),
                ("wrist", "pinky"),
                ("pelvis", "knee"),
                ("knee", "ankle"),
            ):
                length = np.linalg.norm(trial.joint(f"{side}_{a}") - trial.joint(f"{side}_{b}"), axis=1)
                worst = max(worst, float(np.abs(length - length.mean()).max()))
    return worst


def inside_shares(trials: list[Trial]) -> dict[str, FloatArray]:
    """Share of frames with all 18 joints inside the picture, per camera and trial."""
    folder = trials[0].folder
    cameras = {}
    for path in sorted((folder / "calibration").iterdir()):
        cameras |= read_cameras(path)
    shares: dict[str, list[float]] = {name: [] for name in cameras}
    for trial in trials:
        for name, camera in cameras.items():
            pixels = camera.project(trial.joints)
            inside = ((pixels >= 0) & (pixels < np.array(camera.size_px))).all(axis=-1).mean()
            shares[name].append(float(inside))
    return {name: np.array(values) for name, values in shares.items()}


def gap_rates(trials: list[Trial]) -> dict[str, FloatArray]:
    """Share of frames without a marker, per label, over the trials."""
    found: dict[str, list[float]] = {}
    for trial in trials:
        markers = read_c3d(trial.folder / trial.participant / f"{trial.name}.c3d")
        missing = np.isnan(markers.positions_mm).any(axis=-1).mean(axis=0)
        for label, share in zip(markers.labels, missing, strict=True):
            found.setdefault(label, []).append(float(share))
    return {label: np.array(shares) for label, shares in found.items()}


def speed_level(trial: Trial, recording: str, heard: Trial | None = None) -> tuple[float, float]:
    """Correlation of bow speed and amplitude at 100 Hz after the claps: rests included, and while notes sound.

    ``heard`` takes another trial's sound in place of the own.
    """
    source = heard or trial
    other = recording if heard is None else next(r for r in source.record["recordings"] if r[3:6] == recording[3:6])
    samples, rate = source.sound(other)
    mocap = source.mocap_s(other, np.arange(len(samples)) / rate)
    amplitude = np.sqrt(np.maximum(uniform_filter1d(np.square(samples, dtype=np.float64), round(0.02 * rate)), 0.0))
    times = trial.time_s
    level = np.interp(times - times[0] + source.time_s[0], mocap, amplitude)
    sounding = playing(trial)
    speed = np.where(sounding, np.abs(trial.control["bow_speed"]), 0.0)
    after = times > times[np.argmax(sounding)] - 0.3
    # Strings and body answer a little later than the bow moves.
    lagged = [np.roll(level, -lag) for lag in range(_MOST_LAG + 1)]
    return tuple(max(float(np.corrcoef(speed[p], late[p])[0, 1]) for late in lagged) for p in (after, sounding))


def vibrato_errors(
    trial: Trial, samples: FloatArray, rate: float, mocap_s: FloatArray
) -> list[tuple[float, float, float]]:
    """Per vibrato note: error of the rate (Hz), of the extent (cents), and the extent's truth, by pYIN.

    ``mocap_s`` (2,) are the mocap times of the first sample and of one past the last.
    """
    found = []
    for note in trial.notes:
        if note["vibrato_hz"] is None or note["offset_ns"] - note["onset_ns"] < 0.7e9:
            continue
        # Set-in and die-away of the vibrato are left out.
        span = np.array([note["onset_ns"] / 1e9 + 0.22, note["offset_ns"] / 1e9 - 0.1])
        begin, end = ((span - mocap_s[0]) / (mocap_s[1] - mocap_s[0]) * len(samples)).astype(int)
        hz = 440 * 2 ** ((note["midi"] - 69) / 12)
        f0, _, _ = librosa.pyin(
            samples[begin:end].astype(np.float32), fmin=hz / 1.5, fmax=hz * 1.5, sr=rate, frame_length=1024,
            hop_length=128, resolution=0.02,
        )  # fmt: skip
        fit = fit_vibrato(1200 * np.log2(f0 / hz), 128 / rate)
        if fit is not None:
            found.append((fit[0] - note["vibrato_hz"], fit[1] - note["vibrato_cents"], note["vibrato_cents"]))
    return found


def heard_by_phone(trial: Trial) -> tuple[FloatArray, float, FloatArray]:
    """Sound of the first phone, its rate, and the mocap times of its ends."""
    recording = recordings_of(trial)[0]
    samples, rate = trial.sound(recording)
    return samples, rate, trial.mocap_s(recording, np.array([0.0, len(samples) / rate]))


def heard_at_1_m(trial: Trial) -> tuple[FloatArray, float, FloatArray]:
    """Sound of the violin alone without a room, played again from the capture's options."""
    stored = json.loads((trial.folder / "truth" / "twin.json").read_text(encoding="utf-8"))["options"]
    options = TwinOptions(**{**stored, "faults": tuple(stored["faults"])})
    plan = next(plan for plan in plan_trials(options) if plan.trial == trial.name)
    take = take_of(options, plan)
    samples = violin_pressure(take.performance, rng=np.random.default_rng(0))
    return samples, 44_100.0, take.start_s + np.array([0.0, take.performance.seconds])


def fit_vibrato(cents: FloatArray, hop_s: float) -> tuple[float, float] | None:
    """Rate and extent of the sine that fits a pitch curve best; None where too little is voiced."""
    known = np.isfinite(cents)
    if known.mean() < 0.7 or known.sum() * hop_s < 0.3:
        return None
    t = np.arange(len(cents))[known] * hop_s
    y = cents[known]
    best = (np.inf, 0.0, 0.0)
    for hz in np.arange(3.5, 9.0, 0.02):
        basis = np.stack([np.ones_like(t), t, np.sin(2 * np.pi * hz * t), np.cos(2 * np.pi * hz * t)], axis=1)
        weights, *_ = np.linalg.lstsq(basis, y, rcond=None)
        error = float(np.square(y - basis @ weights).sum())
        if error < best[0]:
            best = (error, float(hz), float(np.hypot(weights[2], weights[3])))
    return best[1], best[2]


def recordings_of(trial: Trial) -> list[str]:
    """Phone recordings of a trial."""
    return [name for name in trial.record["recordings"] if name[3] == "C"]


def level_rows(trials: list[Trial]) -> list[tuple[str, ...]]:
    """Correlation of bow speed and sound level, per level, with the right sound and with another trial's."""
    rows = []
    for level in dict.fromkeys(str(trial.record["level"]) for trial in trials):
        group = [trial for trial in trials if trial.record["level"] == level]
        right = np.array([speed_level(t, recordings_of(t)[0]) for t in group]).T
        wrong = np.array(
            [speed_level(t, recordings_of(t)[0], u) for t, u in zip(group, group[1:] + group[:1], strict=True)]
        ).T
        rows.append((level, str(len(group)), *(spread(v) for v in (right[0], right[1], wrong[0], wrong[1]))))
    return rows


def table(header: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    """Make a Markdown table."""
    lines = [header, ("---",) * len(header), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def vibrato_table(trials: list[Trial]) -> str:
    """Vibrato as pYIN finds it, against the truth."""
    rows = []
    for where, heard in (
        ("at 1 m, without a room", heard_at_1_m),
        ("a phone at 2.3 to 3.5 m, in the room", heard_by_phone),
    ):
        found = [one for trial in trials for one in vibrato_errors(trial, *heard(trial))]
        if not found:
            continue
        rate, extent, true = np.array(found).T
        rate_ok = np.abs(rate) <= 0.2
        extent_ok = np.abs(extent) <= np.maximum(5.0, 0.12 * true)
        rows.append(
            (where, str(len(rate)), f"{rate_ok.mean():.0%}", spread(rate), f"{extent_ok.mean():.0%}", spread(extent, 1))
        )
    header = ("sound", "notes", "rate within 0.2 Hz", "error, Hz", "extent within max(5 cents, 12 %)", "error, cents")
    return table(header, rows)


def tables(folder: Path) -> dict[str, str]:
    """All tables of a capture by name."""
    trials = trials_of(folder)
    gaps = gap_rates(trials)
    worst = sorted(gaps, key=lambda label: -gaps[label].mean())[:8]
    inside = inside_shares(trials)
    return {
        "motion": table(
            (
                "level", "trials", "bow speed, m/s", "fastest take, 99th percentile, m/s", "stroke, mm",
                "right elbow flexion, °", "right wrist, m/s", "right elbow, m/s", "pelvis sway, mm",
                "shoulder sway, mm",
            ),
            motion_rows(trials),
        ),
        "body": table(
            ("", ""),
            [
                ("worst change of a bone's length, mm", f"{bone_errors_mm(trials):.1e}"),
                ("pelvis sway below 1 Hz, share of the power", spread(sway_share(trials))),
                *((f"all 18 joints in the picture of {name}", spread(v, 3)) for name, v in inside.items()),
                ("gap share of a marker, mean of all", f"{np.mean([v.mean() for v in gaps.values()]):.1%}"),
                ("most often hidden", ", ".join(f"{label} {gaps[label].mean():.0%}" for label in worst)),
            ],
        ),
        "level": table(
            ("level", "trials", "own sound", "own, notes only", "another trial's", "another's, notes only"),
            level_rows(trials),
        ),
        "vibrato": vibrato_table(trials),
    }  # fmt: skip


def main() -> None:
    """Measure a capture."""
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("capture", type=Path)
    arguments.add_argument("--page", action="store_true", help="write the tables into docs/science/twin.md")
    given = arguments.parse_args()
    made = tables(given.capture)
    for name, text in made.items():
        print(f"\n{name}\n\n{text}")
    if given.page:
        page = PAGE.read_text(encoding="utf-8")
        for name, text in made.items():
            pattern = re.compile(rf"(<!-- measured: {name} -->\n).*?(<!-- end measured -->)", re.DOTALL)
            page = pattern.sub(lambda found, text=text: f"{found[1]}\n{text}\n\n{found[2]}", page)
        write_text(PAGE, page)


if __name__ == "__main__":
    main()
