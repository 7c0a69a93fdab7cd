"""How well a knocked phone is told and its pose found again, for docs/science/cameras.md.

    python docs/measure_knocks.py --folder FOLDER           # makes a healthy capture there if it is not yet there
    python docs/measure_knocks.py --folder FOLDER --page    # and write the tables into the page

A phone that was knocked and a calibration that is wrong by the same pose are one thing: here the calibration is turned
and shifted, about axes drawn at random, and pictures, sound and motion stay as they are. Joints are those of ``viodat
check``, frame by frame, and clocks those that it estimates.
"""

from __future__ import annotations

import argparse
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np
from scipy.spatial.transform import Rotation

from viodat.build.checks.devices import LARGE_JOINTS, take_of
from viodat.build.checks.reading import Reader
from viodat.build.raw import open_raw
from viodat.camera import Camera, Resection, Sightings, guessed_camera, knocked, resect, sightings_of
from viodat.files import write_text
from viodat.synth import TwinOptions, write_twin

PAGE: Final = Path(__file__).resolve().parent / "science" / "cameras.md"
OPTIONS: Final = TwinOptions(participants=12, trials=2, seconds=12.0, seed=21, video=False)
TURNS_DEG: Final = (0.5, 1.0, 2.0, 3.0, 5.0)
SHIFTS_MM: Final = (5.0, 20.0, 50.0, 100.0, 200.0)


@dataclass(frozen=True, eq=False)
class Seen:
    """One healthy recording: its calibration, its true camera, and what it saw."""

    recording: str
    camera: Camera
    true: Camera
    sightings: Sightings


def recordings(folder: Path) -> Iterator[Seen]:
    """Read every recording of a capture that has a clock."""
    raw = open_raw(folder)
    reader = Reader(raw)
    for files in raw.layout.trials:
        trial = reader.trial(files)
        take = take_of(trial, [reader.recording(one, None, ()) for one in files.recordings])
        truth = json.loads((folder / "truth" / "trials" / f"{files.id}.json").read_text(encoding="utf-8"))
        for one in take.recordings:
            device = one.files.device
            picture, clock = take.pictures.get(device), take.clocks.get(device)
            if picture is None or picture.camera is None or clock is None or take.motion is None:
                continue
            times = clock.of_picture().apply(picture.times_s)
            joints = take.motion.joints_at(times)[:, :LARGE_JOINTS]
            pose = truth["devices"][one.files.id]["camera_pose"]
            true = replace(picture.camera, rotation=np.array(pose["R"]), translation_mm=np.array(pose["T"]))
            seen = sightings_of(times, joints, picture.px[:, :LARGE_JOINTS], picture.confidence[:, :LARGE_JOINTS])
            yield Seen(one.files.id, picture.camera, true, seen)


def moved(camera: Camera, turn_deg: float, shift_mm: float, rng: np.random.Generator) -> Camera:
    """Turn and shift a camera about axes drawn at random."""
    axis, way = (vector / np.linalg.norm(vector) for vector in rng.normal(size=(2, 3)))
    rotation = Rotation.from_rotvec(np.deg2rad(turn_deg) * axis).as_matrix() @ camera.rotation
    return replace(camera, rotation=rotation, translation_mm=-rotation @ (camera.centre_mm + shift_mm * way))


def errors(found: Resection, one: Seen) -> tuple[float, float, float]:
    """Give how far the camera is from the true one, mm, its turn against it, degrees, and rms of the joints, px."""
    camera = found.camera
    turn = float(np.degrees(Rotation.from_matrix(camera.rotation @ one.true.rotation.T).magnitude()))
    return float(np.linalg.norm(camera.centre_mm - one.true.centre_mm)), turn, beside(camera, one)


def beside(camera: Camera, one: Seen) -> float:
    """Give how far a camera draws the joints from where the true one does: root mean square, px."""
    points = one.sightings.points_mm
    away = np.linalg.norm(camera.project(points) - one.true.project(points), axis=-1)
    return float(np.sqrt(np.nanmean(away**2)))


def row(what: str, seen: Sequence[Seen], turn_deg: float, shift_mm: float) -> str:
    """Give one line of the table: all recordings, each knocked once."""
    rng = np.random.default_rng([7, round(10 * turn_deg), round(shift_mm)])
    told, before, after = [], [], []
    for one in seen:
        wrong = moved(one.camera, turn_deg, shift_mm, rng)
        knock = knocked(wrong, one.sightings)
        if knock is None:
            continue
        told.append(knock.moved)
        before.append(beside(wrong, one))
        after.append(errors(knock.resection, one))
    mm, degrees, px = np.median(np.array(after), axis=0)
    return (
        f"| {what} | {sum(told)} of {len(told)} | {np.median(before):.1f} | {px:.1f} | "
        f"{np.percentile(np.array(after)[:, 2], 95):.1f} | {mm:.0f} | {degrees:.2f}° |"
    )


def without_pose(what: str, seen: Sequence[Seen], *, lens: bool) -> str:
    """Give one line of the table: cameras of which no pose is known, with their lens or without."""
    found = []
    for one in seen:
        start = one.camera if lens else guessed_camera(one.camera.id, one.camera.size_px)
        solved = resect(start, one.sightings, has_pose=False, focal=not lens)
        if solved is not None:
            found.append(errors(solved, one))
    mm, degrees, px = np.median(np.array(found), axis=0)
    high = np.percentile(np.array(found)[:, 2], 95)
    return f"| {what} | – | – | {px:.1f} | {high:.1f} | {mm:.0f} | {degrees:.2f}° |"


def table(seen: Sequence[Seen]) -> str:
    """Give the whole table."""
    head = (
        "| knocked by | called moved | px before | px after | px after, 95 % | place, mm | direction |\n"
        "| --- | --- | --- | --- | --- | --- | --- |"
    )
    rows = [row("nothing", seen, 0.0, 0.0)]
    rows += [row(f"{turn:g}°", seen, turn, 0.0) for turn in TURNS_DEG]
    rows += [row(f"{shift:g} mm", seen, 0.0, shift) for shift in SHIFTS_MM]
    rows.append(row("3° and 50 mm", seen, 3.0, 50.0))
    rows.append(without_pose("no pose known, lens known", seen, lens=True))
    rows.append(without_pose("no pose and no lens known", seen, lens=False))
    return "\n".join([head, *rows])


def main() -> None:
    """Measure, print, and on request write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--page", action="store_true")
    asked = parser.parse_args()
    write_twin(asked.folder, OPTIONS, workers=0)
    seen = list(recordings(asked.folder))
    who = f"{len(seen)} recordings of 12 s by {OPTIONS.cameras} phones of {OPTIONS.participants} players."
    made = f"{who}\n\n{table(seen)}"
    print(made)
    if asked.page:
        text = PAGE.read_text(encoding="utf-8")
        pattern = re.compile(r"(<!-- measured: knocks -->\n).*?(<!-- end measured -->)", re.DOTALL)
        write_text(PAGE, pattern.sub(lambda found: f"{found[1]}\n{made}\n\n{found[2]}", text))


if __name__ == "__main__":
    main()
