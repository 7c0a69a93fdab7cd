"""What may be asked of the simulated lab."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import asdict, dataclass, replace
from typing import Final, Literal, get_args

from viodat.errors import ConfigError, counted
from viodat.synth.player.roster import MOST_PARTICIPANTS

Fault = Literal[
    "wrong_units",
    "missing_camera",
    "swapped_cameras",
    "truncated_c3d",
    "truncated_video",
    "swapped_sides",
    "clipped_microphone",
    "stereo_microphone",
    "sixty_fps",
    "knocked_phone",
    "short_video",
    "missing_static",
    "duplicated_trial",
    "silent_microphone",
    "metronome",
    "wrong_sound",
    "wrong_trial",
    "stopped_phone",
    "wrong_rate",
    "long_recording",
]
"""Names of the faults; :mod:`viodat.synth.faults` says what each does."""
FAULTS: Final[tuple[Fault, ...]] = get_args(Fault)
Calibration = Literal["pose2sim", "opencv-yaml", "opencv-json", "caliscope"]
CALIBRATIONS: Final[tuple[Calibration, ...]] = get_args(Calibration)
RoomName = Literal["curtained", "bare", "hall", "open"]
"""Names of the rooms; :mod:`viodat.synth.lab.rooms` says how each sounds."""
ROOM_NAMES: Final[tuple[RoomName, ...]] = get_args(RoomName)

SHORTEST_S: Final = 3.0
SHORTEST_ROM_S: Final = 20.0
LONGEST_S: Final = 600.0
SHORTEST_LONG_S: Final = 5.0
MOST_CLAPS: Final = 3
ONE_CLAP_S, CLAPS_S = 6.0, 8.0
"""Shorter trials have no time for a clap, or for more than one."""
MOST_CAMERAS: Final = 4
MOST_MICROPHONES: Final = 8


@dataclass(frozen=True)
class TwinOptions:
    """A capture to simulate.

    Attributes
    ----------
    participants
        How many players: P04, P05 ... as in the published recordings.
    trials
        Trials of each: T01, T02 ...
    extra_trials
        So many of the first participants play one trial more.
    seconds
        Length of each trial's C3D file.
    seed
        The same seed and options give the same bytes, encoded video apart.
    cameras
        Phones, 1 to 4.
    microphones
        Separate microphones, each with its own recorder and clock.
    video
        False writes a phone's sound (.m4a) and stamps (.frames.csv) in place of its video.
    missed_recordings
        So many phones of the last trials were not started.
    device_start_s
        Devices start within ± so many seconds of the mocap system.
    rom_seconds
        Length of each participant's range-of-motion trial; 0: there is none.
    calibration
        Format of the calibration files.
    faults
        Mistakes to make, each once.
    given_clocks
        True writes each recording's offset into capture.toml, as a careful person would find it by hand. False leaves
        the clocks to be estimated.
    room
        How the room sounds: a lab with curtains, a bare one, a hall, or the open air.
    claps
        How many claps each trial begins with, 0 to 3; None: drawn, none in some trials.
    long_s
        How much longer than the others a phone runs by the fault ``long_recording``.
    """

    participants: int = 12
    trials: int = 13
    extra_trials: int = 0
    seconds: float = 12.0
    seed: int = 0
    cameras: int = 4
    microphones: int = 0
    video: bool = True
    missed_recordings: int = 0
    device_start_s: float = 5.0
    rom_seconds: float = 45.0
    calibration: Calibration = "pose2sim"
    faults: tuple[Fault, ...] = ()
    given_clocks: bool = False
    room: RoomName = "curtained"
    claps: int | None = None
    long_s: float = 120.0

    def __post_init__(self) -> None:
        bounds: dict[str, tuple[float, float]] = {
            "participants": (1, MOST_PARTICIPANTS),
            "trials": (1, 98),
            "extra_trials": (0, self.participants),
            "seconds": (SHORTEST_S, LONGEST_S),
            "rom_seconds": (0.0, LONGEST_S),
            "seed": (0, 2**31 - 1),
            "cameras": (1, MOST_CAMERAS),
            "microphones": (0, MOST_MICROPHONES),
            "missed_recordings": (0, self.cameras - 1),
            "device_start_s": (0.0, 5.0),
            "long_s": (SHORTEST_LONG_S, LONGEST_S),
        }
        for name, (low, high) in bounds.items():
            value = getattr(self, name)
            if not low <= value <= high:
                raise ConfigError(f"cannot simulate {name} = {value}", mend=f"Use {low} to {high}.")
        if 0 < self.rom_seconds < SHORTEST_ROM_S:
            raise ConfigError(
                f"cannot simulate rom_seconds = {self.rom_seconds}", mend=f"Use 0 or at least {SHORTEST_ROM_S:g}."
            )
        _known(self.faults, FAULTS, "fault")
        if "swapped_cameras" in self.faults and self.cameras == 1:
            raise ConfigError("one camera cannot be swapped", mend="Use 2 to 4 cameras, or another fault.")
        for fault in ("wrong_sound", "wrong_trial"):
            if fault in self.faults and self.trials == 1:
                raise ConfigError(
                    f"{fault} takes recordings of the participant's next trial, and there is none",
                    mend="Use 2 trials or more, or another fault.",
                )
        # The order in which faults are named means nothing.
        object.__setattr__(self, "faults", tuple(fault for fault in FAULTS if fault in self.faults))
        _known([self.calibration], CALIBRATIONS, "calibration format")
        _known([self.room], ROOM_NAMES, "room")
        self._check_claps()

    def _check_claps(self) -> None:
        if self.claps is None:
            return
        if not 0 <= self.claps <= MOST_CLAPS:
            raise ConfigError(f"cannot simulate claps = {self.claps}", mend=f"Use 0 to {MOST_CLAPS}.")
        least_s = (0.0, ONE_CLAP_S, CLAPS_S)[min(self.claps, 2)]
        if self.seconds < least_s:
            raise ConfigError(
                f"a trial of {self.seconds:g} s has no time for {counted(self.claps, 'clap')}",
                mend=f"Use {least_s:g} s or more, or fewer claps.",
            )

    def as_json(self) -> dict[str, object]:
        """Give the options as JSON has them."""
        return {**asdict(self), "faults": list(self.faults)}


def viodat_scale(options: TwinOptions) -> TwinOptions:
    """As many recordings of as many people as VioDat has: 160 trials of 50 s, by four phones, 639 recordings."""
    return replace(options, participants=12, trials=13, extra_trials=4, seconds=50.0, cameras=4, missed_recordings=1)


def _known(given: Collection[str], known: Collection[str], what: str) -> None:
    for name in given:
        if name not in known:
            raise ConfigError(f"there is no {what} {name!r}", mend=f"Known are {', '.join(known)}.")
