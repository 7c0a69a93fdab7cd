"""When everything happens in a trial: devices start, hands clap, the piece begins, devices stop.

All times are seconds on the mocap clock, which starts with the mocap system. The phones are started by hand around that
moment. When all run, the player claps and then plays. The C3D file is cropped to begin when all run, so that its
first frame is not frame number 1.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from viodat.synth.lab.c3d import MOCAP_HZ
from viodat.synth.lab.cameras import PHONES
from viodat.synth.lab.clocks import DeviceClock, draw_clock, draw_ppm
from viodat.synth.lab.phones import Phone
from viodat.synth.music import score
from viodat.synth.options import TwinOptions
from viodat.synth.plan import Stream, TrialPlan, generator
from viodat.synth.sound.clap import Clap, draw_claps
from viodat.synth.vectors import FloatArray

_AFTER_START_S = 0.2
_AFTER_CLAPS_S = 0.8
"""Between the last clap and the start of the piece, whose first note comes another 0.6 s later."""
_ONE_CLAP_S, _CLAPS_S = 6.0, 8.0
"""Shorter trials have no clap, or one."""
_PHONE_STOP_S = (0.3, 1.5)


@dataclass(frozen=True)
class RunningDevice:
    """A device that records a trial.

    Attributes
    ----------
    recording
        Id of what it records.
    phone
        Index of the phone; None for a separate microphone.
    microphone
        Index of the separate microphone; None for a phone.
    clock
        Of this recording.
    seconds
        Length of the recording on that clock.
    """

    recording: str
    phone: int | None
    microphone: int | None
    clock: DeviceClock
    seconds: float


@dataclass(frozen=True)
class Schedule:
    """One trial's times, s on the mocap clock.

    Attributes
    ----------
    first_frame
        Number of the C3D file's first frame; frame number 1 is time 0.
    frames
        How many it has.
    claps
        When hands meet; none in some trials.
    play_s
        When the piece begins.
    play_seconds
        How long it may last.
    devices
        Phones in the order of their names, then microphones.
    """

    first_frame: int
    frames: int
    claps: tuple[Clap, ...]
    play_s: float
    play_seconds: float
    devices: tuple[RunningDevice, ...]

    @property
    def frame_times_s(self) -> FloatArray:
        """(F,) s of the C3D file's frames."""
        return np.asarray((self.first_frame - 1 + np.arange(self.frames)) / MOCAP_HZ)


def schedule(options: TwinOptions, plan: TrialPlan, phones: Sequence[Phone]) -> Schedule:
    """Draw the times of a trial."""
    return _schedule(options, plan, tuple(phone.ppm for phone in phones))


@lru_cache(maxsize=256)
def _schedule(options: TwinOptions, plan: TrialPlan, ppm: tuple[float, ...]) -> Schedule:
    late = options.device_start_s
    where = (plan.participant, plan.number)
    order = _phone_order(plan, len(ppm))
    clocks = [
        draw_clock(generator(options, Stream.CLOCK, *where, k), ppm[k], (-late, late))
        for k in order[: len(ppm) - plan.missed]
    ]
    stands = [
        draw_clock(
            generator(options, Stream.CLOCK, *where, len(ppm) + k),
            draw_ppm(generator(options, Stream.MICROPHONE, k)),
            (-late, late),
        )
        for k in range(options.microphones)
    ]
    running_s = max([0.0, *(clock.start_s for clock in (*clocks, *stands))])
    rng = generator(options, Stream.SCHEDULE, *where)
    # How long after the last device started must not say when that was.
    cropped_s = running_s + _AFTER_START_S + rng.uniform(0.0, min(1.0, late))
    first = int(np.ceil(cropped_s * MOCAP_HZ)) + 1
    frames = round(options.seconds * MOCAP_HZ)
    start_s, end_s = (first - 1) / MOCAP_HZ, (first - 1 + frames) / MOCAP_HZ
    claps = draw_claps(rng, start_s + _AFTER_START_S)
    most = 0 if options.seconds < _ONE_CLAP_S else 1 if options.seconds < _CLAPS_S else len(claps)
    claps = claps[:most]
    play_s = claps[-1].time_s + _AFTER_CLAPS_S if claps else start_s
    if end_s - play_s < score.SHORTEST_S:
        claps, play_s = (), start_s
    names = [name for name in PHONES][: len(clocks)]
    microphones = [f"M{k + 1:02d}" for k in range(options.microphones)]
    devices = []
    for k, (name, clock) in enumerate(zip([*names, *microphones], [*clocks, *stands], strict=True)):
        stop_s = end_s + rng.uniform(*_PHONE_STOP_S)
        seconds = round(float(clock.device(stop_s)), 3)
        is_phone = k < len(clocks)
        devices.append(
            RunningDevice(
                plan.recording(name),
                order[k] if is_phone else None,
                None if is_phone else k - len(clocks),
                clock,
                seconds,
            )
        )
    return Schedule(first, frames, claps, play_s, end_s - play_s, tuple(devices))


def _phone_order(plan: TrialPlan, phones: int) -> list[int]:
    """Index of the phone behind each name: exchanged for the first two where someone mixed up their files."""
    order = list(range(phones))
    if "swapped_cameras" in plan.faults and phones > 1:
        order[:2] = [1, 0]
    return order
