"""What a trial offers to find its clocks: the motion, and what each device heard and saw.

Motion is on the mocap clock, everything of a device on that device's own clock (zero: its first sample of sound, or
container time 0 where it has none). World frame, mm; NaN is missing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from viodat.body import JointTrial
from viodat.body.interpolate import at_times
from viodat.body.marker_set import MarkerSet
from viodat.body.skeleton.result import SkeletonFit
from viodat.camera import Camera
from viodat.capture.markers import Analog, MarkerTrial
from viodat.clock.hearing import Hearing

if TYPE_CHECKING:  # it reads the motion that is defined here
    from viodat.clock.bowing import Bowing

FloatArray = NDArray[np.float64]

_LEAST_CONFIDENCE: Final = 0.3


@dataclass(frozen=True, eq=False)
class Motion:
    """What the motion-capture system recorded.

    Attributes
    ----------
    start_s, rate_hz
        Time of the first of T frames on the mocap clock, and frames per second.
    joints_mm
        (T, 18, 3) mm, world, NaN where undetermined.
    joints_at
        Gives (K, 18, 3) mm at (K,) s, NaN outside the trial and where undetermined.
    markers
        Marker label -> (T, 3) mm, gaps filled where that is possible; NaN elsewhere.
    violin, bow
        Labels of the markers on them, as the marker set says; empty where it has none.
    analog
        Analog channels, or None.
    """

    start_s: float
    rate_hz: float
    joints_mm: FloatArray
    joints_at: Callable[[FloatArray], FloatArray]
    markers: Mapping[str, FloatArray] = field(default_factory=dict)
    violin: tuple[str, ...] = ()
    bow: tuple[str, ...] = ()
    analog: Analog | None = None

    @cached_property
    def times_s(self) -> FloatArray:
        """(T,) s on the mocap clock."""
        return self.start_s + np.arange(len(self.joints_mm)) / self.rate_hz

    @cached_property
    def bowing(self) -> Bowing | None:
        """The bow as markers or joints show it (:func:`viodat.clock.bowing.bowing_of`); None where neither does."""
        from viodat.clock.bowing import bowing_of

        return bowing_of(self)

    @property
    def seconds(self) -> float:
        """From the first frame to the last."""
        return max(len(self.joints_mm) - 1, 0) / self.rate_hz


def motion_of(
    joints: JointTrial,
    fit: SkeletonFit | None = None,
    markers: MarkerTrial | None = None,
    marker_set: MarkerSet | None = None,
) -> Motion:
    """Gather the motion of a trial.

    Parameters
    ----------
    joints
        Joint centres at the frames.
    fit
        The skeleton fit, whose own curve then gives the joints between frames.
    markers
        Repaired and filled markers of the same frames.
    marker_set
        Says which markers are on violin and bow.
    """
    known = markers.labels if markers is not None else ()

    def on(segment: str) -> tuple[str, ...]:
        held = marker_set.of_segment(segment) if marker_set is not None else ()
        return tuple(label for label in held if label in known)

    def between(times_s: FloatArray) -> FloatArray:
        return at_times(joints.positions_mm, joints.start_s, joints.rate_hz, times_s)

    return Motion(
        start_s=joints.start_s,
        rate_hz=joints.rate_hz,
        joints_mm=joints.positions_mm,
        joints_at=fit.joints if fit is not None else between,
        markers={label: markers.positions_mm[:, k] for k, label in enumerate(known)} if markers is not None else {},
        violin=on("violin"),
        bow=on("bow"),
        analog=markers.analog if markers is not None else None,
    )


@dataclass(frozen=True, eq=False)
class Picture:
    """What a device's camera saw.

    Attributes
    ----------
    times_s
        (N,) s on the device's clock: the frames' stamps, increasing.
    px
        (N, 18, 2) px, detected keypoints, NaN where not seen.
    confidence
        (N, 18) in [0, 1] as the detector rates itself, NaN where it says nothing.
    camera
        Calibrated at the size of the pictures, or None.
    """

    times_s: FloatArray
    px: FloatArray
    confidence: FloatArray
    camera: Camera | None = None

    @cached_property
    def trusted_px(self) -> FloatArray:
        """(N, 18, 2) px without those that the detector itself hardly believes: hidden, and guessed."""
        doubted = self.confidence < _LEAST_CONFIDENCE
        return np.asarray(np.where(doubted[..., None], np.nan, self.px))


@dataclass(frozen=True)
class Claim:
    """What somebody, or a file, says of a device's clock. It is evidence like any other, not truth.

    Attributes
    ----------
    source
        Who says so: ``capture.toml``, ``MOVIE_DELAY``, ``timecode``.
    offset_s
        Mocap time at the device's zero, s.
    sigma_s
        Standard deviation of that, s.
    of_picture
        Whether it was read off the pictures; else it holds for the sound, which may be skewed against them.

    Raises
    ------
    ValueError
        If the offset is not finite, or sigma is not a finite number above 0.
    """

    source: str
    offset_s: float
    sigma_s: float
    of_picture: bool = False

    def __post_init__(self) -> None:
        if not np.isfinite(self.offset_s):
            raise ValueError(f"offset_s of {self.source}: expected seconds, finite, but got {self.offset_s}")
        if not (np.isfinite(self.sigma_s) and self.sigma_s > 0):
            raise ValueError(f"sigma_s of {self.source}: expected seconds above 0, finite, but got {self.sigma_s}")


@dataclass(frozen=True, eq=False)
class Device:
    """One device's recording of a trial.

    Attributes
    ----------
    name
        Id of the device, as C01.
    sound
        What it heard, or None.
    picture
        What it saw, or None.
    microphone_mm
        (3,) mm, world: where its microphone is; None where that is unknown. A phone's is at its camera's centre.
    claims
        What is said of its clock.
    """

    name: str
    sound: Hearing | None = None
    picture: Picture | None = None
    microphone_mm: FloatArray | None = None
    claims: tuple[Claim, ...] = ()


@dataclass(frozen=True, eq=False)
class TrialEvidence:
    """All that a trial offers: its motion (None where there is none), and its devices, each name once."""

    motion: Motion | None
    devices: tuple[Device, ...]

    def __post_init__(self) -> None:
        names = [device.name for device in self.devices]
        if len(set(names)) != len(names):
            raise ValueError(f"devices: expected each name once, but got {', '.join(names)}")

    @property
    def listening(self) -> tuple[Device, ...]:
        """Devices with sound."""
        return tuple(device for device in self.devices if device.sound is not None)

    @property
    def watching(self) -> tuple[Device, ...]:
        """Devices with a picture."""
        return tuple(device for device in self.devices if device.picture is not None)
