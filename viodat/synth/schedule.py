"""When everything happens in a trial: devices start, hands clap, the piece begins, devices stop.

All times are seconds on the mocap clock, which starts with the mocap system. The phones are started by hand around that
moment. When all run, the player claps and then plays. The C3D file is cropped to begin when all run, so that its
first frame is not frame number 1. A phone that runs for minutes more, by mistake, hears the player rehearse.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np

from viodat.synth.lab.c3d import MOCAP_HZ
from viodat.synth.lab.cameras import PHONES
from viodat.synth.lab.clocks import DeviceClock, draw_clock, draw_ppm
from viodat.synth.lab.phones import Phone
from viodat.synth.music import score
from viodat.synth.options import CLAPS_S, ONE_CLAP_S, TwinOptions
from viodat.synth.plan import Stream, TrialPlan, generator
from viodat.synth.sound.clap import Clap, draw_claps
from viodat.synth.vectors import FloatArray

_AFTER_START_S = 0.2
_AFTER_CLAPS_S = 0.8
"""Between the last clap and the start of the piece, whose first note comes another 0.6 s later."""
_PHONE_STOP_S = (0.3, 1.5)
_QUIET_S = 1.0
"""Between a rehearsal and what comes before and after it."""


@dataclass(frozen=True)
class RunningDevice:
    """A device that records a trial.

    Attributes
    ----------
    name
        As in the ids of its recordings: C01, M01.
    phone
        Index of the phone; None for a separate microphone.
    microphone
        Index of the separate microphone; None for a phone.
    clock
        Of this recording.
    seconds
        Length of the recording on that clock.
    early_s, late_s
        How much of that is before and after what it should have recorded: it was started too early or stopped too
        late.
    """

    name: str
    phone: int | None
    microphone: int | None
    clock: DeviceClock
    seconds: float
    early_s: float = 0.0
    late_s: float = 0.0

    @property
    def runs_alone(self) -> bool:
        """True where it also records while no other device runs."""
        return self.early_s > 0 or self.late_s > 0

    @property
    def middle_s(self) -> float:
        """Middle of what it should have recorded, s on its own clock."""
        return (self.early_s + self.seconds - self.late_s) / 2

    @property
    def runs_s(self) -> tuple[float, float]:
        """When it starts and stops, s on the mocap clock."""
        return self.clock.start_s, float(self.clock.mocap(self.seconds))


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
    rehearsal
        From when to when the player plays something else, while only one phone runs; None in most trials.
    """

    first_frame: int
    frames: int
    claps: tuple[Clap, ...]
    play_s: float
    play_seconds: float
    devices: tuple[RunningDevice, ...]
    rehearsal: tuple[float, float] | None = None

    @property
    def last_phone(self) -> RunningDevice:
        """The last one that was running, by its place in the room."""
        return max((device for device in self.devices if device.phone is not None), key=lambda d: d.phone or 0)

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
    claps = draw_claps(rng, start_s + _AFTER_START_S, options.claps)
    if options.claps is None:
        most = 0 if options.seconds < ONE_CLAP_S else 1 if options.seconds < CLAPS_S else len(claps)
        claps = claps[:most]
    play_s = claps[-1].time_s + _AFTER_CLAPS_S if claps else start_s
    if end_s - play_s < score.SHORTEST_S:
        claps, play_s = (), start_s
    names = [name for name in PHONES][: len(clocks)]
    microphones = [f"M{k + 1:02d}" for k in range(options.microphones)]
    devices = []
    for k, (name, clock) in enumerate(zip([*names, *microphones], [*clocks, *stands], strict=True)):
        stop_s = end_s + rng.uniform(*_PHONE_STOP_S)
        is_phone = k < len(clocks)
        if "stopped_phone" in plan.faults and is_phone and order[k] == len(clocks) - 1:
            stop_s = (start_s + end_s) / 2
        seconds = round(float(clock.device(stop_s)), 3)
        devices.append(
            RunningDevice(name, order[k] if is_phone else None, None if is_phone else k - len(clocks), clock, seconds)
        )
    times = Schedule(first, frames, claps, play_s, end_s - play_s, tuple(devices))
    return _with_a_long_recording(options, plan, times) if "long_recording" in plan.faults else times


def _with_a_long_recording(options: TwinOptions, plan: TrialPlan, times: Schedule) -> Schedule:
    """Let the first phone run longer than all others, before the trial or after it."""
    early = generator(options, Stream.REHEARSAL, plan.participant, plan.number, 1).random() < 0.5
    starts, stops = zip(*(device.runs_s for device in times.devices), strict=True)
    longer = []
    for device in times.devices:
        if device.phone != 0:
            longer.append(device)
        elif early:
            clock = replace(device.clock, start_s=min(starts) - options.long_s)
            early_s, stop_s = clock.device(device.runs_s).tolist()
            seconds = round(stop_s, 3)
            longer.append(replace(device, clock=clock, seconds=seconds, early_s=early_s))
        else:
            seconds = round(float(device.clock.device(max(stops) + options.long_s)), 3)
            longer.append(replace(device, seconds=seconds, late_s=seconds - device.seconds))
    begin_s = min(starts) - options.long_s if early else max(stops)
    rehearsal = begin_s + _QUIET_S, begin_s + options.long_s - _QUIET_S
    return replace(times, devices=tuple(longer), rehearsal=rehearsal)


def _phone_order(plan: TrialPlan, phones: int) -> list[int]:
    """Index of the phone behind each name: exchanged for the first two where someone mixed up their files."""
    order = list(range(phones))
    if "swapped_cameras" in plan.faults and phones > 1:
        order[:2] = [1, 0]
    return order
