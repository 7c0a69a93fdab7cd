"""What the devices record of a trial: its sounds, pictures and keypoints, and what is true of each device.

Nearly always a recording is of the trial whose name it bears. By mistake all of them, or one phone's sound, may be of
the participant's next trial: that one is then played here, too, and recorded under this one's name.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from viodat.joints import JOINT_INDEX
from viodat.synth import truth
from viodat.synth.faults import WRONG_RATE_HZ, as_filmed, as_heard, at_wrong_rate, faulty_phone, knocked
from viodat.synth.lab import filming
from viodat.synth.lab.cameras import PhoneCamera
from viodat.synth.lab.clocks import audio_clock_rows
from viodat.synth.lab.detector import detect
from viodat.synth.lab.keypoints import write_npz
from viodat.synth.lab.microphones import SEPARATE, Device, Source, record_device, write_m4a, write_wav
from viodat.synth.lab.phones import STAMP_BASE, Phone, film, write_stamps
from viodat.synth.lab.rooms import ROOMS
from viodat.synth.music.performance import Performance
from viodat.synth.music.violin import STRING_MM
from viodat.synth.options import MOST_CAMERAS, TwinOptions
from viodat.synth.picture.instrument import BRIDGE
from viodat.synth.picture.render import prepare
from viodat.synth.plan import Stream, TrialPlan, after, generator, recorded_trial
from viodat.synth.player.motion import Motion
from viodat.synth.schedule import RunningDevice, Schedule, schedule
from viodat.synth.session import lab, player
from viodat.synth.sound.clap import clap_pressure
from viodat.synth.sound.metronome import METRONOME_BPM, metronome_pressure
from viodat.synth.sound.take import violin_pressure
from viodat.synth.takes import Rehearsal, Take, rehearsal_of, take_of
from viodat.synth.vectors import FloatArray

_METRONOME_MM = (700.0, -600.0, 1_050.0)
"""On the music stand, to the player's right."""
_PLACE_EVERY = 20
_PLACE_STEP_S = 0.2


_stage = lru_cache(maxsize=MOST_CAMERAS)(prepare)
"""A camera's empty room takes seconds to compute, and the cameras of a session stay where they are."""


@dataclass(frozen=True, eq=False)
class Scene:
    """What there is to be recorded: a trial, its take and times, what sounds for all, and what for one phone alone."""

    plan: TrialPlan
    take: Take
    times: Schedule
    sources: Sequence[Source]
    rehearsal: Rehearsal | None
    metronome: dict[str, Any] | None


def write_recordings(
    out: Path, options: TwinOptions, plan: TrialPlan, take: Take
) -> tuple[dict[str, dict[str, Any]], dict[str, Any]]:
    """Write the recordings that bear a trial's name, and their truth.

    Parameters
    ----------
    take
        The trial's own.

    Returns
    -------
    devices
        What is true of each device, by the id of its recording.
    heard
        What else there was to be heard; empty in most trials.
    """
    source = recorded_trial(options, plan)
    scene = _scene(options, source, take if source is plan else take_of(options, source))
    devices = {
        plan.recording(device.name): _write_recording(out, options, plan, scene, device, k)
        for k, device in enumerate(scene.times.devices)
    }
    return devices, {} if scene.metronome is None else {"metronome": scene.metronome}


def _scene(options: TwinOptions, plan: TrialPlan, take: Take) -> Scene:
    """Gather what sounds: violin and claps, each at the place where it sounds on average, and perhaps a metronome."""
    times = schedule(options, plan, lab(options).phones)
    rng = generator(options, Stream.SOUND, plan.participant, plan.number)
    place = _violin_mm(take.performance, take.motion, times.frame_times_s[::_PLACE_EVERY])
    sources = [Source(violin_pressure(take.performance, rng=rng), take.start_s, place)]
    for clap in times.claps:
        joints = take.motion.at([clap.time_s]).joints[0]
        palms = joints[[JOINT_INDEX["left_index"], JOINT_INDEX["right_index"]]].mean(axis=0)
        sources.append(Source(clap_pressure(clap, rng=rng), clap.time_s, palms))
    metronome = None
    if "metronome" in plan.faults:
        clicks, metronome = _metronome(options, plan, times)
        sources.append(clicks)
    return Scene(plan, take, times, sources, rehearsal_of(options, plan, take), metronome)


def _violin_mm(performance: Performance, motion: Motion, times_s: FloatArray) -> FloatArray:
    violin = motion.at(times_s).segments["violin"].point(np.array(BRIDGE) * performance.player.string_mm / STRING_MM)
    return np.asarray(violin.mean(axis=0))


def _metronome(options: TwinOptions, plan: TrialPlan, times: Schedule) -> tuple[Source, dict[str, Any]]:
    """Let a metronome click from before the first device starts until after the last one stops."""
    rng = generator(options, Stream.METRONOME, plan.participant, plan.number)
    bpm = int(rng.integers(METRONOME_BPM[0], METRONOME_BPM[1] + 1))
    starts, stops = zip(*(device.runs_s for device in times.devices), strict=True)
    first_s = min(starts) - 60 / bpm * (1 + float(rng.random()))
    clicks = Source(metronome_pressure(bpm, max(stops) - first_s), first_s, np.array(_METRONOME_MM))
    return clicks, {"bpm": bpm, "first_s": first_s, "place_mm": list(_METRONOME_MM)}


def _rehearsed(options: TwinOptions, scene: Scene) -> list[Source]:
    """Give what is heard while one phone runs alone."""
    if scene.rehearsal is None:
        return []
    performance, start_s = scene.rehearsal.performance, scene.rehearsal.start_s
    rng = generator(options, Stream.REHEARSAL, scene.plan.participant, scene.plan.number, 3)
    at_s = start_s + np.arange(0.0, performance.seconds, _PLACE_STEP_S)
    place = _violin_mm(performance, scene.rehearsal.motion, at_s)
    return [Source(violin_pressure(performance, rng=rng), start_s, place)]


def _write_recording(
    out: Path, options: TwinOptions, plan: TrialPlan, scene: Scene, device: RunningDevice, k: int
) -> dict[str, Any]:
    """Write a device's recording of a scene under a trial's name; give what is true of the device."""
    recording = plan.recording(device.name)
    stem = out / plan.person.participant / recording
    true: dict[str, Any] = {"start_s": device.clock.start_s, "drift_ppm": device.clock.ppm}
    if scene.plan.number != plan.number:
        true["recording_of"] = scene.plan.recording(device.name)
    clock_s = audio_clock_rows(device.clock, device.seconds)
    truth.write_clock(out / "truth" / "clocks" / f"{recording}.parquet", recording, *clock_s)
    sound, true_of_sound = _sound(options, scene, device, k)
    true |= true_of_sound
    if device.phone is None:
        write_wav(stem.with_name(f"{stem.name}.wav"), sound)
        return true
    return true | _write_pictures(out, stem, options, scene, device, k, sound)


def _running(options: TwinOptions, plan: TrialPlan) -> int:
    return len(lab(options).phones) - plan.missed


def _in_use(options: TwinOptions, plan: TrialPlan, k: int) -> tuple[Phone, PhoneCamera]:
    """Give a phone and its camera as they were in a trial."""
    room, running = lab(options), _running(options, plan)
    return faulty_phone(room.phones[k], k, plan, running), knocked(room.cameras[k], k, plan, running)


def _sound(options: TwinOptions, scene: Scene, device: RunningDevice, k: int) -> tuple[FloatArray, dict[str, Any]]:
    """Record a device's sound: (N,) or (N, 2) samples as its file holds them, and what is true of it."""
    room, plan = lab(options), scene.plan
    where = (plan.participant, plan.number, k)
    noise = generator(options, Stream.SOUND, *where)
    acoustics = ROOMS[options.room]
    true: dict[str, Any] = {}
    if device.phone is None:
        assert device.microphone is not None
        ear = Device(device.clock, device.seconds, room.microphones[device.microphone], SEPARATE)
        sound = record_device(scene.sources, ear, acoustics, rng=noise)
    else:
        last = device is scene.times.last_phone
        if last and "wrong_sound" in plan.faults:
            return _sound_of_next(options, plan)
        phone, camera = _in_use(options, plan, device.phone)
        ear = Device(device.clock, device.seconds, camera.centre, phone.microphone)
        sources = [*scene.sources, *_rehearsed(options, scene)] if device.runs_alone else scene.sources
        if last and "silent_microphone" in plan.faults:
            sources = []
        sound = record_device(sources, ear, acoustics, rng=noise)
        sound = as_heard(sound, device.phone, plan, _running(options, plan))
    true["microphone_mm"] = ear.place_mm.tolist()
    if "wrong_rate" in plan.faults and device is scene.times.devices[-1]:
        sound = at_wrong_rate(sound)
        true["sampled_hz"] = WRONG_RATE_HZ
    return sound, true


def _sound_of_next(options: TwinOptions, plan: TrialPlan) -> tuple[FloatArray, dict[str, Any]]:
    """Give the sound that the last phone recorded in the participant's next trial."""
    other = after(options, plan, "wrong_sound")
    scene = _scene(options, other, take_of(options, other))
    device = scene.times.last_phone
    sound, true = _sound(options, scene, device, scene.times.devices.index(device))
    return sound, true | {"sound_of": other.recording(device.name)}


def _write_pictures(
    out: Path, stem: Path, options: TwinOptions, scene: Scene, device: RunningDevice, k: int, sound: FloatArray
) -> dict[str, Any]:
    """Write a phone's video, or its sound and stamps, and its keypoints; give what is true of the phone."""
    assert device.phone is not None
    plan = scene.plan
    who = player(options, plan.participant)
    where = (plan.participant, plan.number, k)
    phone, camera = _in_use(options, plan, device.phone)
    alone = scene.rehearsal if device.runs_alone else None
    motion = scene.take.motion if alone is None else alone.motion
    frames = film(phone, device.clock, device.seconds, generator(options, Stream.FRAMES, *where))
    frames = as_filmed(frames, device.phone, plan, device.seconds)
    truth.write_frames(out / "truth" / "frames" / f"{stem.name}.parquet", frames.pts, frames.time_ns, str(STAMP_BASE))
    if options.video:
        filming.write_video(
            stem.with_name(f"{stem.name}.mp4"),
            motion.at,
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
        motion.at,
        camera,
        frames.time_ns / 1e9,
        phone.readout_s,
        who.anatomy.scale,
        generator(options, Stream.DETECTOR, *where),
    )
    write_npz(stem.with_name(f"{stem.name}.keypoints.npz"), seen.px, seen.confidence, frames.pts, camera.size)
    true = {
        "camera": camera.name,
        "camera_pose": {"R": camera.rotation.tolist(), "T": camera.translation.tolist()},
        "fps": phone.fps,
        "readout_s": phone.readout_s,
        "exposure_s": phone.exposure_s,
        "skew_s": phone.skew_s,
        "gain_db": phone.microphone.gain_db,
    }
    if device.runs_alone:
        true |= {"early_s": device.early_s, "late_s": device.late_s}
    return true
