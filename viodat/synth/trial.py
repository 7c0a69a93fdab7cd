"""One trial of a capture: the take is played, every device records it, and the truth is written beside.

A participant's static and range-of-motion trials are written with their first trial.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from viodat.synth import truth
from viodat.synth.faults import as_recorded, spoil_files
from viodat.synth.lab.c3d import (
    MOCAP_HZ,
    MarkerRecording,
    OperatorEvent,
    operator_events,
    write_c3d,
    write_marker_truth,
)
from viodat.synth.lab.marker_motion import marker_motion
from viodat.synth.lab.marker_set import Kind, labels_of
from viodat.synth.lab.measuring import processing_parameters
from viodat.synth.lab.visibility import Chair, record_markers
from viodat.synth.options import TwinOptions
from viodat.synth.plan import Stream, TrialPlan, generator, lacks_static, next_number
from viodat.synth.player.body import Body
from viodat.synth.player.trials import rom_motion, static_motion
from viodat.synth.recordings import write_recordings
from viodat.synth.schedule import Schedule, schedule
from viodat.synth.session import Player, lab, player
from viodat.synth.sound.take import sounding_force_n
from viodat.synth.takes import Take, take_of

_STATIC_S = 1.5


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
    devices, heard = write_recordings(out, options, plan, take)
    phones = [recording for recording, true in devices.items() if "camera" in true]
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
        **heard,
        "faults": sorted(plan.faults),
        "faulty_files": sorted(touched),
        "files": _files_of(out, plan),
    }


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
