"""One trial of a capture: the take is played, every device records it, and the truth is written beside.

A participant's static and range-of-motion trials are written with their first trial.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from viodat.joints import JOINT_INDEX
from viodat.synth import truth
from viodat.synth.faults import as_filmed, as_heard, as_recorded, faulty_phone, knocked, spoil_files
from viodat.synth.lab import filming
from viodat.synth.lab.c3d import (
    MOCAP_HZ,
    MarkerRecording,
    OperatorEvent,
    operator_events,
    write_c3d,
    write_marker_truth,
)
from viodat.synth.lab.clocks import audio_clock_rows
from viodat.synth.lab.detector import detect
from viodat.synth.lab.keypoints import write_npz
from viodat.synth.lab.marker_motion import marker_motion
from viodat.synth.lab.marker_set import Kind, labels_of
from viodat.synth.lab.measuring import processing_parameters
from viodat.synth.lab.microphones import SEPARATE, Device, Source, record_device, write_m4a, write_wav
from viodat.synth.lab.phones import STAMP_BASE, film, write_stamps
from viodat.synth.lab.visibility import Chair, record_markers
from viodat.synth.music.control import Control, control_signals
from viodat.synth.music.performance import Performance, perform
from viodat.synth.music.score import write_piece
from viodat.synth.music.violin import STRING_MM
from viodat.synth.options import MOST_CAMERAS, TwinOptions
from viodat.synth.picture.instrument import BRIDGE
from viodat.synth.picture.render import prepare
from viodat.synth.plan import Stream, TrialPlan, generator, lacks_static, next_number
from viodat.synth.player.body import Body
from viodat.synth.player.motion import Motion, playing_motion
from viodat.synth.player.trials import rom_motion, static_motion
from viodat.synth.schedule import RunningDevice, Schedule, schedule
from viodat.synth.session import Player, lab, player
from viodat.synth.sound.clap import clap_pressure
from viodat.synth.sound.room import Room
from viodat.synth.sound.take import sounding_force_n, violin_pressure

_STATIC_S = 1.5
_CONTROL_HZ = 500.0
_ROOM = Room(size_mm=(10_000.0, 9_000.0, 3_500.0), absorption=0.5)
"""A lab with curtains: 60 dB of decay take 0.3 s. In a bare one vibrato drowns at 3 m. Viodat's choice."""


_stage = lru_cache(maxsize=MOST_CAMERAS)(prepare)
"""A camera's empty room takes seconds to compute, and the cameras of a session stay where they are."""


@dataclass(frozen=True)
class Take:
    """A performance at its place on the mocap clock."""

    performance: Performance
    control: Control
    motion: Motion
    start_s: float


def write_trial(out: Path, options: TwinOptions, plan: TrialPlan) -> dict[str, Any]:
    """Write all files of a trial.

    Returns
    -------
    dict
        What is to be remembered of it: recordings, claps, faults, and which files those touched.
    """
    who = player(options, plan.participant)
    times = schedule(options, plan, lab(options).phones)
    take = take_of(options, plan)
    folder = out / plan.person.participant
    if plan.number == 1:
        _write_calibration_trials(folder, options, plan, who)
    _write_markers(out, folder, options, plan, who, take, times)
    truth.write_notes(out / "truth" / "notes" / f"{plan.trial}.parquet", take.performance.notes, take.start_s)
    sources = _sources(options, plan, take, times)
    devices = {
        device.recording: _write_recording(out, options, plan, take, sources, device, k)
        for k, device in enumerate(times.devices)
    }
    phones = [device.recording for device in times.devices if device.phone is not None]
    touched = spoil_files(folder, plan, phones, list(devices), next_number(options, plan))
    return {
        "trial": plan.trial,
        "level": plan.person.level,
        "style": plan.style,
        "piece": plan.piece,
        "recordings": list(devices),
        "devices": devices,
        "claps_s": [clap.time_s for clap in times.claps],
        "play_s": take.start_s,
        "faults": sorted(plan.faults),
        "faulty_files": sorted(touched),
        "files": _files_of(out, plan),
    }


def take_of(options: TwinOptions, plan: TrialPlan) -> Take:
    """Play a trial's take: notes, control signals and the body that follows them."""
    who = player(options, plan.participant)
    times = schedule(options, plan, lab(options).phones)
    piece = write_piece(
        plan.person.level,
        plan.style,
        options.seconds,
        generator(options, Stream.PIECE, plan.participant, plan.piece),
    )
    rng = generator(options, Stream.TAKE, plan.participant, plan.number)
    performance = perform(replace(piece, seconds=times.play_seconds), who.traits, rng)
    control = control_signals(performance, _CONTROL_HZ)
    motion = playing_motion(who.anatomy, control, rng, who.hold, claps=times.claps, start_s=times.play_s)
    return Take(performance, control, motion, times.play_s)


def _write_markers(
    out: Path, folder: Path, options: TwinOptions, plan: TrialPlan, who: Player, take: Take, times: Schedule
) -> None:
    at_s = times.frame_times_s
    body = take.motion.at(at_s)
    rng = generator(options, Stream.MARKERS, plan.participant, plan.number)
    recorded = _recorded(body, who, "take", rng)
    notes = take.performance.notes
    events = operator_events(take.start_s + notes[0].onset_s, take.start_s + notes[-1].offset_s, rng)
    _write_c3d(folder / f"{plan.trial}.c3d", as_recorded(recorded, plan), who, events)
    time_ns = truth.nanoseconds(at_s)
    truth.write_joints(out / "truth" / "joints" / f"{plan.trial}.parquet", time_ns, body.joints)
    write_marker_truth(out / "truth" / "markers" / f"{plan.trial}.parquet", recorded)
    control = take.control.at(at_s - take.start_s)
    sounding = replace(control, bow_force=sounding_force_n(take.performance, control.times_s))
    truth.write_control(out / "truth" / "control" / f"{plan.trial}.parquet", time_ns, sounding)


def _write_calibration_trials(folder: Path, options: TwinOptions, plan: TrialPlan, who: Player) -> None:
    name = plan.person.participant
    if not lacks_static(options, plan.participant):
        rng = generator(options, Stream.STATIC, plan.participant)
        body = static_motion(who.anatomy, rng).at(np.arange(round(_STATIC_S * MOCAP_HZ)) / MOCAP_HZ)
        _write_c3d(folder / f"{name}_static.c3d", _recorded(body, who, "static", rng), who, static=True)
    if options.rom_seconds:
        rng = generator(options, Stream.RANGE_OF_MOTION, plan.participant)
        motion = rom_motion(who.anatomy, options.rom_seconds, rng)
        body = motion.at(np.arange(round(options.rom_seconds * MOCAP_HZ)) / MOCAP_HZ)
        _write_c3d(folder / f"{name}_rom.c3d", _recorded(body, who, "rom", rng), who)


def _recorded(body: Body, who: Player, kind: Kind, rng: np.random.Generator) -> MarkerRecording:
    motion = marker_motion(body, who.placement, who.skin, labels_of(kind))
    # The chair is carried away for the other trials.
    chair = Chair() if kind == "take" else None
    return record_markers(body, who.anatomy, motion, rng, chair, mislabelled=kind != "static")


def _write_c3d(
    path: Path, recorded: MarkerRecording, who: Player, events: Sequence[OperatorEvent] = (), static: bool = False
) -> None:
    measured = processing_parameters(who.measured)
    write_c3d(path, who.person.participant, recorded, measured, events=events, static=static)


def _sources(options: TwinOptions, plan: TrialPlan, take: Take, times: Schedule) -> list[Source]:
    """Violin and claps, each at the place where it sounds on average."""
    rng = generator(options, Stream.SOUND, plan.participant, plan.number)
    body = take.motion.at(times.frame_times_s[::20])
    violin = body.segments["violin"].point(np.array(BRIDGE) * take.performance.player.string_mm / STRING_MM)
    sources = [Source(violin_pressure(take.performance, rng=rng), take.start_s, violin.mean(axis=0))]
    for clap in times.claps:
        joints = take.motion.at([clap.time_s]).joints[0]
        palms = joints[[JOINT_INDEX["left_index"], JOINT_INDEX["right_index"]]].mean(axis=0)
        sources.append(Source(clap_pressure(clap, rng=rng), clap.time_s, palms))
    return sources


def _write_recording(
    out: Path,
    options: TwinOptions,
    plan: TrialPlan,
    take: Take,
    sources: Sequence[Source],
    device: RunningDevice,
    k: int,
) -> dict[str, Any]:
    """Write a device's recording; give what is true of the device."""
    who, room = player(options, plan.participant), lab(options)
    folder = out / plan.person.participant
    where = (plan.participant, plan.number, k)
    noise = generator(options, Stream.SOUND, *where)
    true: dict[str, Any] = {"start_s": device.clock.start_s, "drift_ppm": device.clock.ppm}
    clock_s = audio_clock_rows(device.clock, device.seconds)
    truth.write_clock(out / "truth" / "clocks" / f"{device.recording}.parquet", device.recording, *clock_s)
    if device.phone is None:
        assert device.microphone is not None
        stand = Device(device.clock, device.seconds, room.microphones[device.microphone], SEPARATE)
        write_wav(folder / f"{device.recording}.wav", record_device(sources, stand, _ROOM, rng=noise))
        return {**true, "microphone_mm": stand.place_mm.tolist()}
    running = len(room.phones) - plan.missed
    phone = faulty_phone(room.phones[device.phone], device.phone, plan, running)
    camera = knocked(room.cameras[device.phone], device.phone, plan, running)
    ear = Device(device.clock, device.seconds, camera.centre, phone.microphone)
    sound = as_heard(record_device(sources, ear, _ROOM, rng=noise), device.phone, plan, running)
    frames = film(phone, device.clock, device.seconds, generator(options, Stream.FRAMES, *where))
    frames = as_filmed(frames, device.phone, plan, device.seconds)
    truth.write_frames(
        out / "truth" / "frames" / f"{device.recording}.parquet", frames.pts, frames.time_ns, str(STAMP_BASE)
    )
    stem = folder / device.recording
    if options.video:
        filming.write_video(
            stem.with_name(f"{stem.name}.mp4"),
            take.motion.at,
            who.look,
            _stage(camera),
            frames.pts,
            frames.first_row_s,
            phone.readout_s,
            phone.exposure_s,
            sound,
        )
    else:
        write_stamps(stem.with_name(f"{stem.name}.frames.csv"), frames, camera.size)
        write_m4a(stem.with_name(f"{stem.name}.m4a"), sound)
    seen = detect(
        take.motion.at,
        camera,
        frames.time_ns / 1e9,
        phone.readout_s,
        who.anatomy.scale,
        generator(options, Stream.DETECTOR, *where),
    )
    write_npz(stem.with_name(f"{stem.name}.keypoints.npz"), seen.px, seen.confidence, frames.pts, camera.size)
    return {
        **true,
        "camera": camera.name,
        "camera_pose": {"R": camera.rotation.tolist(), "T": camera.translation.tolist()},
        "microphone_mm": camera.centre.tolist(),
        "fps": phone.fps,
        "readout_s": phone.readout_s,
        "exposure_s": phone.exposure_s,
        "skew_s": phone.skew_s,
        "gain_db": phone.microphone.gain_db,
    }


def _files_of(out: Path, plan: TrialPlan) -> list[str]:
    """Everything that was written of a trial, relative to the capture."""
    who = plan.person.participant
    found = [path for path in _of_trial(out, plan) if path.parent.name != "trials"]
    if plan.number == 1:
        found += [path for kind in ("static", "rom") if (path := out / who / f"{who}_{kind}.c3d").is_file()]
    return sorted(path.relative_to(out).as_posix() for path in found)


def sweep(out: Path, plan: TrialPlan) -> None:
    """Remove the half-written files that a killed process left of a trial."""
    for path in _of_trial(out, plan, "."):
        path.unlink()


def _of_trial(out: Path, plan: TrialPlan, prefix: str = "") -> list[Path]:
    """All files named after a trial or its recordings, raw and truth, whose names begin with ``prefix``."""
    who = plan.person.participant
    folders = (out / who, *(out / "truth").glob("*/"))
    return [path for folder in folders for path in folder.glob(f"{prefix}{who}*T{plan.number:02d}.*")]
