"""What a build is asked to do, apart from what capture.toml says of the recordings."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final, cast

from viodat.capture.config import CaptureConfig
from viodat.capture.config_joints import JOINT_METHODS
from viodat.capture.config_sync import SYNC_METHODS, SyncMethod
from viodat.dataset.paths import FEATURE_RATES_HZ
from viodat.errors import ConfigError

__all__ = ["JOINT_METHODS", "POSE2D_CHOICES", "SYNC_METHODS", "BuildOptions", "sync_method"]


@dataclass(frozen=True)
class BuildOptions:
    """Choices that change what a build writes; they are stored in dataset.json.

    Attributes
    ----------
    joint_centres
        ``auto`` (a skeleton fitted to the whole trial, and where none can be, frame by frame), ``regression`` (such a
        fit whose centres are where landmarks and regressions put them), ``functional`` (such a fit, refused unless a
        range-of-motion trial determines the hips), or frame by frame: ``pig``, ``midpoints``, ``named``.
    pose2d
        Where detected keypoints come from: ``auto`` (keypoint files beside the recordings, else MediaPipe if it is
        installed, else none), ``files``, ``mediapipe``, ``none``.
    pose_model
        A MediaPipe ``.task`` file, for versions of MediaPipe whose wheel carries no model.
    audio_rates_hz
        Rates of the 35-d audio frame, of 30, 100 and 300; 100 is always built.
    trials
        Only these trials; empty: all.
    sync
        How clocks are found: ``auto`` (from all evidence that the recordings offer, what capture.toml states among it),
        ``given`` (exactly the offsets of capture.toml), ``none``; None: as capture.toml [sync] method says.
    resect
        Solve the pose of a camera anew that does not stand as calibrated, or was never calibrated to the markers'
        frame, from the joints in its pictures; else its pictures have no truth.
    blur_faces
        Make everybody unrecognisable in the pictures of the report.
    """

    joint_centres: str = "auto"
    pose2d: str = "auto"
    pose_model: Path | None = None
    audio_rates_hz: tuple[int, ...] = (100,)
    trials: tuple[str, ...] = ()
    sync: str | None = None
    resect: bool = False
    blur_faces: bool = False

    def __post_init__(self) -> None:
        if self.joint_centres not in JOINT_METHODS:
            raise ConfigError(f"--joint-centres {self.joint_centres}: expected one of {', '.join(JOINT_METHODS)}")
        if self.pose2d not in POSE2D_CHOICES:
            raise ConfigError(f"--pose2d {self.pose2d}: expected one of {', '.join(POSE2D_CHOICES)}")
        if self.sync is not None and self.sync not in SYNC_METHODS:
            raise ConfigError(f"--sync {self.sync}: expected one of {', '.join(SYNC_METHODS)}")
        for rate in self.audio_rates_hz:
            if rate not in FEATURE_RATES_HZ:
                raise ConfigError(f"--audio-rate {rate}: expected {', '.join(map(str, FEATURE_RATES_HZ))}")

    @property
    def feature_rates_hz(self) -> tuple[int, ...]:
        """Rates to build, 100 Hz among them, ascending."""
        return tuple(sorted({100, *self.audio_rates_hz}))

    def to_json(self) -> dict[str, Any]:
        """For dataset.json: without machine paths."""
        values = asdict(self)
        values["pose_model"] = self.pose_model.name if self.pose_model else None
        values["audio_rates_hz"] = list(self.feature_rates_hz)
        values["trials"] = list(self.trials)
        return values


POSE2D_CHOICES: Final = ("auto", "files", "mediapipe", "none")


def sync_method(config: CaptureConfig, option: str | None) -> SyncMethod:
    """Give how clocks are found: by ``option``, one of the methods, or without one as capture.toml [sync] says.

    Raises
    ------
    ConfigError
        Offsets are to be used as given, and there is none.
    """
    method = cast(SyncMethod, option or config.sync.method)
    if method == "given" and not config.sync.states_offsets:
        raise ConfigError(
            "--sync given: capture.toml gives no offset",
            mend="Write [sync] offset_s = {C01 = 0.0} into it, or use --sync auto.",
        )
    return method
