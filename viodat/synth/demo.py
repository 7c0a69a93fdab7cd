"""A small raw capture in the real file formats, with the truth beside it: what ``viodat demo`` builds from.

The layout is that of a lab's raw folder. Trials are filmed by two phones whose clocks started before the mocap
system; the offsets are given in capture.toml (mocap time = device time + offset). The same seed gives the same
bytes, the encoded video apart.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from viodat.errors import ConfigError
from viodat.files import write_text
from viodat.synth import recording
from viodat.synth.demo_sound import RATE_HZ, violin_sound
from viodat.synth.markers import place_markers
from viodat.synth.motion import SIDES, Player, pose_at
from viodat.synth.picture.figure import Look
from viodat.synth.vectors import FloatArray

_FIRST_ID = 4  # P04 trains and P05 tests, as in the published split
_TEST_ID = 5
_MARKER_NOISE_MM = 0.1
_LEAD_S = 0.35
_STATIC_FRAMES = 60
_LONGEST_S = 600.0


def write_demo_capture(
    out: str | Path,
    *,
    participants: int = 2,
    trials: int = 2,
    seconds: float = 4.0,
    seed: int = 0,
    video: bool = True,
) -> None:
    """Write a raw capture of simulated violinists, and their true joint centres under ``truth/``.

    Parameters
    ----------
    out
        Folder to write to; files of the same names are replaced.
    participants, trials
        How many players (P04, P05 ...), and trials of each (T01, T02 ...).
    seconds
        Length of each trial on the mocap clock; videos begin about 0.35 s before and end 0.35 s after.
    seed
        Same seed, same capture.
    video
        False writes stamps and sound (``.frames.csv`` and ``.m4a``) in place of every video. True still does so for the
        second camera of the first trial.

    Raises
    ------
    ConfigError
        A number of participants, trials or seconds that makes no capture.
    """
    out = Path(out)
    if not (1 <= participants <= 90 and 1 <= trials <= 99 and 0.5 <= seconds <= _LONGEST_S):
        raise ConfigError(
            f"cannot simulate {participants} participants, {trials} trials, {seconds:g} s",
            mend=f"Use 1 to 90 participants, 1 to 99 trials, 0.5 to {_LONGEST_S:g} s.",
        )
    cameras = [
        recording.camera_at("C01", (3100.0, 250.0, 1350.0), (100.0, 0.0, 900.0), 500.0),
        recording.camera_at("C02", (2300.0, 2100.0, 1450.0), (100.0, 0.0, 900.0), 500.0),
    ]
    ids = [f"P{_FIRST_ID + number:02d}" for number in range(participants)]
    players = {name: _player(np.random.default_rng([seed, 1, i])) for i, name in enumerate(ids)}
    recording.write_calibration(out / "calibration" / "calibration.toml", cameras)
    write_text(out / "participants.csv", _participants_csv(players))
    offsets: dict[str, float] = {}
    for i, (name, player) in enumerate(players.items()):
        _write_static(out / name / f"{name}_static.c3d", name, player, np.random.default_rng([seed, 2, i]))
        for number in range(1, trials + 1):
            rng = np.random.default_rng([seed, 3, i, number])
            trial = f"{name}T{number:02d}"
            taken = Player(
                player.height_mm,
                player.mass_kg,
                float(rng.uniform(0.85, 1.15)),
                tuple(rng.uniform(0, 2 * np.pi, 4).tolist()),
            )
            # A cropped file: its first frame is not frame number 1, which is time zero.
            first_frame = 1 if number == 1 else 11
            _write_trial(out, name, trial, taken, seconds, first_frame, rng)
            for camera in cameras:
                written = f"{name}{camera.name}T{number:02d}"
                pictures = video and not (i == 0 and number == 1 and camera is cameras[1])
                # Whole samples, so that both phones record the same sound.
                offsets[written] = -round((_LEAD_S + rng.uniform(-0.1, 0.1)) * RATE_HZ) / RATE_HZ
                _write_recording(
                    out / name / written, camera, taken, seconds + 2 * _LEAD_S, offsets[written], pictures, rng
                )
    write_text(out / "capture.toml", _capture_toml(ids, offsets))


def _player(rng: np.random.Generator) -> Player:
    height = float(rng.integers(158, 186) * 10)
    mass = float(round(22 * (height / 1000) ** 2))
    return Player(height, mass, 1.0, (0.0, 0.0, 0.0, 0.0))


def _write_static(path: Path, name: str, player: Player, rng: np.random.Generator) -> None:
    still = Player(player.height_mm, player.mass_kg, player.bow_hz, player.phase, playing=False)
    pose = pose_at(still, np.arange(_STATIC_FRAMES, dtype=np.float64) / recording.MOCAP_HZ)
    recording.write_c3d(path, name, player, _measured(place_markers(still, pose), rng))


def _write_trial(
    out: Path,
    name: str,
    trial: str,
    player: Player,
    seconds: float,
    first_frame: int,
    rng: np.random.Generator,
) -> None:
    frames = first_frame - 1 + np.arange(round(seconds * recording.MOCAP_HZ))
    pose = pose_at(player, frames / recording.MOCAP_HZ)
    markers = _measured(place_markers(player, pose), rng)
    _make_gaps(markers, rng)
    recording.write_c3d(out / name / f"{trial}.c3d", name, player, markers, first_frame)
    times_ns = frames.astype(np.int64) * round(1e9 / recording.MOCAP_HZ)
    recording.write_truth(out / "truth" / "joints" / f"{trial}.npz", times_ns, pose)


def _measured(markers: dict[str, FloatArray], rng: np.random.Generator) -> dict[str, FloatArray]:
    return {label: at + rng.normal(0, _MARKER_NOISE_MM, at.shape) for label, at in markers.items()}


def _make_gaps(markers: dict[str, FloatArray], rng: np.random.Generator) -> None:
    """Hide some markers for 30 to 250 ms, as the other arm or the violin does."""
    for label in ("LELB", "LFIN", "RFIN", "RWRB", "LTHI", "STRN"):
        length = int(rng.integers(3, 26))
        start = int(rng.integers(1, max(2, len(markers[label]) - length)))
        markers[label][start : start + length] = np.nan


def _write_recording(
    stem: Path,
    camera: recording.SimCamera,
    player: Player,
    seconds: float,
    offset_s: float,
    pictures: bool,
    rng: np.random.Generator,
) -> None:
    stamps = recording.phone_stamps(seconds, rng)
    pose = pose_at(player, stamps.astype(np.float64) / recording.STAMP_BASE.denominator + offset_s)
    sound = violin_sound(player, offset_s, seconds, seed=int(rng.integers(1 << 31)))
    if pictures:
        # A player looks alike in every take and every camera.
        look = Look.drawn(np.random.default_rng(round(player.height_mm)), player.scale)
        recording.write_video(stem.with_name(stem.name + ".mp4"), camera, pose, stamps, sound, look)
    else:
        recording.write_stamps(stem.with_name(stem.name + ".frames.csv"), stamps)
        recording.write_sound(stem.with_name(stem.name + ".m4a"), sound)
    recording.write_keypoints(stem.with_name(stem.name + ".keypoints.npz"), camera, pose, stamps, rng)


def _participants_csv(players: dict[str, Player]) -> str:
    sided = [stem for stem in next(iter(players.values())).measurements if not stem.startswith(("inter", "marker"))]
    columns = [f"{stem}_{side}_mm" for stem in sided for side, _, _ in SIDES]
    header = ["participant", "sex", "age_group", "level", "handedness", "height_mm", "mass_kg", "consent"]
    lines = [",".join([*header, *columns])]
    for name, player in players.items():
        facts = [name, "other", "adult", "advanced", "right", f"{player.height_mm:g}", f"{player.mass_kg:g}", "yes"]
        values = [f"{player.measurements[stem]:g}" for stem in sided for _ in SIDES]
        lines.append(",".join([*facts, *values]))
    return "\n".join(lines) + "\n"


def _capture_toml(ids: list[str], offsets: dict[str, float]) -> str:
    test = [name for name in ids if name == f"P{_TEST_ID:02d}"]
    train = [name for name in ids if name not in test]
    quoted = {key: ", ".join(f'"{name}"' for name in names) for key, names in (("test", test), ("train", train))}
    lines = [
        "[capture]",
        'name = "viodat demo"',
        'description = "Simulated violinists; no real person was recorded."',
        "",
        "[splits]",
        f"train = [{quoted['train']}]",
        f"test = [{quoted['test']}]",
        "",
        "[files]",
        'ignore = ["truth/"]',
        "",
        "[sync]",
        'method = "given"',
        "sigma_ms = 1.0",
    ]
    for name, offset_s in offsets.items():
        lines += ["", f"[sync.recordings.{name}]", f"offset_s = {offset_s:.9f}"]
    return "\n".join(lines) + "\n"
