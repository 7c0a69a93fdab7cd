"""Captures for docs/measure_joints.py: the twin's markers with their truth, without sound and pictures, in two bodies.

:func:`make_captures` writes what ``viodat synth`` writes of markers and joints, byte for byte of positions, from the
same random streams. :func:`other_body` puts another body in place of the twin's own: an estimator that profits from
knowing how the twin was made does not profit there. mm, s, rad.
"""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from multiprocessing import get_context
from pathlib import Path
from typing import Any, Final
from unittest import mock

import numpy as np
from numpy.typing import NDArray

from viodat.files import write_text
from viodat.synth import TwinOptions, session, truth
from viodat.synth.lab import marker_motion, marker_set, measuring, visibility
from viodat.synth.lab.c3d import MOCAP_HZ, MarkerRecording, write_c3d, write_marker_truth
from viodat.synth.plan import Stream, generator, people, plan_trials
from viodat.synth.player import anatomy
from viodat.synth.player.body import Body
from viodat.synth.player.trials import rom_motion, static_motion
from viodat.synth.schedule import schedule
from viodat.synth.trial import take_of

FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class OtherBody:
    """What :func:`other_body` puts in place of the twin's own assumptions; viodat's choice, made before measuring.

    Attributes
    ----------
    sizes
        Factor on the slides of each tissue.
    follows
        Share of the axial rotation that the skin follows at the near and far end, where it differs from the twin's.
    habit, across
        Shares of sliding that people have in common, and of motion square to the skin.
    quadratic, lag, lag_width
        Slides are ``angle + quadratic * angle²`` in right angles, not sine and cosine; a share ``lag`` of them follows
        with play of half width ``lag_width``, so that skin on its way back lies elsewhere than on its way there.
    hip
        Hip centre in widths of the pelvis behind, outward and below the ASIS: 10 mm from the twin's, past Bell's place.
    joint_scatter_mm
        Of joint centres against their landmarks.
    shoulder_mm, shoulder_scatter_mm
        How the landmarks around the shoulder lie otherwise, forward, outward and up on an adult, and scatter.
    knuckle_mm
        How much farther the little finger's knuckle lies under the skin than hand thickness says.
    palpation
        Factor on the errors of marker placement.
    """

    sizes: Mapping[str, float]
    follows: Mapping[str, tuple[float, float]]
    habit: float = 0.3
    across: float = 0.8
    quadratic: float = 0.8
    lag: float = 0.3
    lag_width: float = 0.08
    hip: tuple[float, float, float] = (0.230, 0.355, 0.295)
    joint_scatter_mm: float = 3.0
    shoulder_mm: tuple[float, float, float] = (5.0, 4.0, -6.0)
    shoulder_scatter_mm: float = 4.0
    knuckle_mm: float = 1.2
    palpation: float = 1.3


OTHER: Final = OtherBody(
    sizes={
        "scalp": 1.0, "trunk": 1.4, "chest": 0.6, "pelvis": 1.6, "shoulder": 1.3, "upper arm": 1.4, "elbow": 0.6,
        "forearm": 0.7, "wrist": 1.5, "hand": 0.8, "finger": 1.6, "thigh": 1.3, "knee": 1.2, "shank": 0.7, "ankle": 1.5,
        "foot": 0.7,
    },
    follows={
        "upper arm": (0.75, 0.70), "elbow": (0.95, 0.80), "forearm": (0.25, 0.50), "wrist": (0.85, 0.98),
        "thigh": (0.45, 0.90), "knee": (0.75, 0.97), "shank": (0.97, 0.85), "ankle": (0.90, 0.97),
    },
)  # fmt: skip


@contextlib.contextmanager
def other_body(other: OtherBody = OTHER) -> Iterator[None]:
    """Replace the twin's anatomy, palpation and soft tissue, in this process, until the block ends."""
    tissues = {
        name: replace(
            tissue,
            above_mm=tissue.above_mm * other.sizes[name],
            below_mm=tissue.below_mm * other.sizes[name],
            follows=other.follows.get(name, tissue.follows),
        )
        for name, tissue in marker_motion.TISSUES.items()
    }
    palpation = {name: mm * other.palpation for name, mm in marker_set.PALPATION_MM.items()}
    trunk, limb = anatomy._trunk_landmarks, anatomy._limb_landmarks

    def trunk_landmarks(places: Mapping[str, FloatArray], scale: float, head: float) -> dict[str, anatomy.Landmark]:
        found = trunk(places, scale, head)
        # The function is given no generator; the body's own numbers seed one.
        rng = np.random.default_rng(int(abs(places["left_shoulder"]).sum() * 1e6))
        for _, mark, sign in anatomy.SIDES:
            off = np.multiply(other.shoulder_mm, (1, sign, 1)) + other.shoulder_scatter_mm * rng.standard_normal(3)
            for stem in ("SHO", "SHA", "SHP"):
                found[mark + stem] = replace(found[mark + stem], place=found[mark + stem].place + scale * off)
        return found

    def limb_landmarks(side: str, mark: str, sign: float, *rest: Any) -> dict[str, anatomy.Landmark]:
        found = limb(side, mark, sign, *rest)
        knuckle = found[f"{mark}PNK"]
        found[f"{mark}PNK"] = replace(knuckle, place=knuckle.place + np.array([0.0, sign * other.knuckle_mm, 0.0]))
        return found

    def bend(body: Body, above: str, below: str) -> FloatArray:
        down = -np.einsum("tij,ti->tj", body.segments[above].axes, body.segments[below].axes[..., 2])
        return slide_drivers(down, other.quadratic, other.lag, other.lag_width)

    changes: list[tuple[Any, str, Any]] = [
        (marker_motion, "TISSUES", tissues),
        (marker_motion, "_HABIT", other.habit),
        (marker_motion, "_ACROSS", other.across),
        (marker_motion, "_bend", bend),
        (marker_set, "PALPATION_MM", palpation),
        (anatomy, "_HIP", other.hip),
        (anatomy, "_JOINT_SCATTER_MM", other.joint_scatter_mm),
        (anatomy, "_trunk_landmarks", trunk_landmarks),
        (anatomy, "_limb_landmarks", limb_landmarks),
    ]
    with contextlib.ExitStack() as stack:
        for module, name, value in changes:
            stack.enter_context(mock.patch.object(module, name, value))
        # Players drawn before or within the block are not those of the other side of it.
        session.player.cache_clear()
        stack.callback(session.player.cache_clear)
        yield


def slide_drivers(down: FloatArray, quadratic: float, lag: float, width: float) -> FloatArray:
    """(T, 3) what makes skin slide: a bone's lean forwards and to the left, and its square, in right angles, with play.

    ``down`` (T, 3) are the bone's unit directions in the frame of the one above, (0, 0, -1) when straight.
    """
    angle = np.arccos(np.clip(-down[:, 2], -1, 1)) / (np.pi / 2)
    flat = np.linalg.norm(down[:, :2], axis=-1)
    way = down[:, :2] / np.maximum(flat, 1e-9)[:, None]
    drivers = np.column_stack([angle[:, None] * way, quadratic * angle**2])
    return (1 - lag) * drivers + lag * with_play(drivers, width)


def with_play(driver: FloatArray, width: float) -> FloatArray:
    """(T, K) what a driver (T, K) drags along with play: it rests until the driver is ``width`` away."""
    dragged = np.empty_like(driver)
    at = driver[0]
    for t, now in enumerate(driver):
        at = np.clip(at, now - width, now + width)
        dragged[t] = at
    return dragged


def make_captures(folder: Path, options: TwinOptions, other: bool, workers: int) -> None:
    """Write the markers and true joints of a capture, participant by participant; what is there already stays."""
    known = folder / "capture.json"
    described = {"options": options.as_json(), "body": repr(OTHER) if other else "twin"}
    if known.is_file() and json.loads(known.read_text(encoding="utf-8")) != described:
        raise SystemExit(f"{folder} holds a capture of other options or of another body. Name another folder.")
    folder.mkdir(parents=True, exist_ok=True)
    truth.write_json(known, described)
    waiting = [i for i in range(options.participants) if not _is_whole(folder, options, i)]
    in_processes(write_participant, [(folder, options, i, other) for i in waiting], workers, "made")


def _files(folder: Path, options: TwinOptions, participant: int) -> Iterator[Path]:
    name = people(options)[participant].participant
    yield folder / name / "measurements.csv"
    for kind in ("static", "rom"):
        yield folder / name / f"{name}_{kind}.c3d"
    for plan in plan_trials(options):
        if plan.participant == participant:
            yield folder / name / f"{plan.trial}.c3d"
            yield from (folder / "truth" / kind / f"{plan.trial}.parquet" for kind in ("markers", "notes", "joints"))


def _is_whole(folder: Path, options: TwinOptions, participant: int) -> bool:
    return all(path.is_file() for path in _files(folder, options, participant))


def write_participant(folder: Path, options: TwinOptions, participant: int, other: bool) -> None:
    """Write one participant as ``viodat synth`` does, from the same random streams, less devices and events."""
    with other_body() if other else contextlib.nullcontext():
        who = session.player(options, participant)
        name, measured = who.person.participant, measuring.processing_parameters(who.measured)
        at = folder / name

        def recorded(body: Body, kind: marker_set.Kind, rng: np.random.Generator) -> MarkerRecording:
            motion = marker_motion.marker_motion(body, who.placement, who.skin, marker_set.labels_of(kind))
            chair = visibility.Chair() if kind == "take" else None
            return visibility.record_markers(body, who.anatomy, motion, rng, chair, mislabelled=kind != "static")

        rng = generator(options, Stream.STATIC, participant)
        body = static_motion(who.anatomy, rng).at(np.arange(150) / MOCAP_HZ)
        write_c3d(at / f"{name}_static.c3d", name, recorded(body, "static", rng), measured, static=True)
        rng = generator(options, Stream.RANGE_OF_MOTION, participant)
        motion = rom_motion(who.anatomy, options.rom_seconds, rng)
        body = motion.at(np.arange(round(options.rom_seconds * MOCAP_HZ)) / MOCAP_HZ)
        write_c3d(at / f"{name}_rom.c3d", name, recorded(body, "rom", rng), measured)
        for plan in plan_trials(options):
            if plan.participant != participant:
                continue
            take = take_of(options, plan)
            times = schedule(options, plan, session.lab(options).phones).frame_times_s
            body = take.motion.at(times)
            markers = recorded(body, "take", generator(options, Stream.MARKERS, participant, plan.number))
            write_c3d(at / f"{plan.trial}.c3d", name, markers, measured)
            write_marker_truth(folder / "truth" / "markers" / f"{plan.trial}.parquet", markers)
            truth.write_notes(
                folder / "truth" / "notes" / f"{plan.trial}.parquet", take.performance.notes, take.start_s
            )
            truth.write_joints(
                folder / "truth" / "joints" / f"{plan.trial}.parquet", truth.nanoseconds(times), body.joints
            )
        write_text(at / "measurements.csv", measuring.participants_csv([(who.anatomy, who.measured)]))


def in_processes(work: Callable[..., Any], jobs: Sequence[tuple[Any, ...]], workers: int, verb: str) -> list[Any]:
    """Do jobs in processes of one thread each; results in the jobs' order."""
    if not jobs:
        return []
    begin, results = time.monotonic(), []
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        for n, future in enumerate([pool.submit(work, *job) for job in jobs], start=1):
            results.append(future.result())
            print(f"{verb} {n} of {len(jobs)}, {time.monotonic() - begin:.0f} s", flush=True)
    return results
