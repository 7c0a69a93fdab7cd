"""What stays for a whole session: the players, the room with its phones, and the files that describe them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from viodat.files import write_text
from viodat.synth.lab.cameras import CALIBRATION_FORMATS, PHONES, PhoneCamera, calibrated, camera_truth, set_up_room
from viodat.synth.lab.marker_motion import Skin, draw_skin
from viodat.synth.lab.marker_set import Placement, place
from viodat.synth.lab.measuring import measure, participants_csv
from viodat.synth.lab.phones import Phone, draw_phone
from viodat.synth.music.performance import PlayerTraits, draw_traits
from viodat.synth.options import TwinOptions
from viodat.synth.picture.figure import Look
from viodat.synth.plan import Stream, generator, people, plan_trials, recorded_trial
from viodat.synth.player.anatomy import Anatomy, draw_anatomy
from viodat.synth.player.hold import Hold
from viodat.synth.player.motion import draw_hold
from viodat.synth.player.roster import Person
from viodat.synth.schedule import schedule
from viodat.synth.truth import write_json
from viodat.synth.vectors import FloatArray

_TEST = ("P05", "P08", "P13")
"""Test participants of the published split."""
_GIVEN_SIGMA_MS = 2.0
_MICROPHONES_MM = (1_500.0, 2_600.0)
_MICROPHONE_HEIGHT_MM = (1_000.0, 2_000.0)


@dataclass(frozen=True)
class Player:
    """One participant: body, habits, looks, markers, and what was measured of them."""

    person: Person
    anatomy: Anatomy
    traits: PlayerTraits
    hold: Hold
    look: Look
    placement: Placement
    skin: Skin
    measured: dict[str, float]


@dataclass(frozen=True)
class Lab:
    """The room: true and calibrated cameras, their phones, and (M, 3) mm places of separate microphones."""

    cameras: tuple[PhoneCamera, ...]
    calibrated: tuple[PhoneCamera, ...]
    phones: tuple[Phone, ...]
    microphones: FloatArray


@lru_cache(maxsize=4)
def player(options: TwinOptions, participant: int) -> Player:
    """Draw a participant, by index from 0."""
    person = people(options)[participant]
    anatomy = draw_anatomy(person, generator(options, Stream.ANATOMY, participant))
    habits = generator(options, Stream.TRAITS, participant)
    traits = draw_traits(person.level, habits, handedness=person.handedness, violin_scale=anatomy.violin_scale)
    markers = generator(options, Stream.PLACEMENT, participant)
    placement = place(anatomy, markers)
    return Player(
        person=person,
        anatomy=anatomy,
        traits=traits,
        hold=draw_hold(anatomy, anatomy.violin_scale, habits),
        look=Look.drawn(generator(options, Stream.LOOK, participant), anatomy.scale, anatomy.violin_scale),
        placement=placement,
        skin=draw_skin(placement, markers),
        measured=measure(anatomy, generator(options, Stream.MEASURING, participant)),
    )


@lru_cache(maxsize=2)
def lab(options: TwinOptions) -> Lab:
    """Set up the room for the tallest player of the session, and calibrate its cameras."""
    rng = generator(options, Stream.ROOM)
    tallest = max(person.stature_mm for person in people(options))
    names = list(PHONES)[: options.cameras]
    true = set_up_room(tallest, rng, names)
    stated = [calibrated(camera, tallest, rng) for camera in true]
    phones = tuple(draw_phone(generator(options, Stream.PHONE, k)) for k in range(options.cameras))
    around = generator(options, Stream.MICROPHONE, options.microphones)
    angle = around.uniform(-1.2, 1.2, options.microphones)
    distance = around.uniform(*_MICROPHONES_MM, options.microphones)
    height = around.uniform(*_MICROPHONE_HEIGHT_MM, options.microphones)
    places = np.stack([distance * np.cos(angle), distance * np.sin(angle), height], axis=-1)
    return Lab(tuple(true), tuple(stated), phones, places)


def write_session(out: Path, options: TwinOptions) -> None:
    """Write capture.toml, participants.csv, the calibration and the truth about the cameras."""
    room = lab(options)
    CALIBRATION_FORMATS[options.calibration](out / "calibration", room.calibrated)
    write_json(out / "truth" / "cameras.json", camera_truth(room.cameras, room.calibrated))
    everyone = [player(options, i) for i in range(options.participants)]
    write_text(out / "participants.csv", participants_csv([(p.anatomy, p.measured) for p in everyone]))
    write_text(out / "capture.toml", _capture_toml(options, room))


def _capture_toml(options: TwinOptions, room: Lab) -> str:
    names = [person.participant for person in people(options)]
    test = [name for name in names if name in _TEST]
    lines = [
        "[capture]",
        'name = "viodat synth"',
        'description = "Simulated violinists; no real person was recorded."',
        "",
        "[splits]",
        f"train = {_listed([name for name in names if name not in test])}",
        f"test = {_listed(test)}",
        "",
        "[files]",
        'ignore = ["truth/"]',
    ]
    if options.calibration == "caliscope":
        ids = ", ".join(f'{camera.name} = "cam_{int(camera.name[1:])}"' for camera in room.cameras)
        lines += ["", "[cameras]", f"ids = {{ {ids} }}"]
    if options.given_clocks:
        lines += _given_clocks(options, room)
    return "\n".join(lines) + "\n"


def _given_clocks(options: TwinOptions, room: Lab) -> list[str]:
    """Give the lines of each recording's offset, found by a careful person: true but for a few milliseconds."""
    lines = [
        "",
        "# As read by hand off the pictures, without pictures off the sound: mocap time = device time + offset at the",
        "# middle of the recording. A phone's sound may be up to 40 ms off its pictures, and its clock drifts.",
        "[sync]",
        'method = "given"',
        f"sigma_ms = {_GIVEN_SIGMA_MS}",
        'of = "picture"',
    ]
    for plan in plan_trials(options):
        rng = generator(options, Stream.SYNC, plan.participant, plan.number)
        for device in schedule(options, recorded_trial(options, plan), room.phones).devices:
            middle = device.middle_s
            skew = 0.0 if device.phone is None else room.phones[device.phone].skew_s
            offset = float(device.clock.mocap(middle - skew)) - middle
            offset_s = offset + rng.normal(0, _GIVEN_SIGMA_MS / 1000)
            lines += ["", f"[sync.recordings.{plan.recording(device.name)}]", f"offset_s = {offset_s:.4f}"]
    return lines


def _listed(names: Sequence[str]) -> str:
    return "[" + ", ".join(f'"{name}"' for name in names) + "]"
