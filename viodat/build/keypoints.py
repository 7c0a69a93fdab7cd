"""The 2D keypoints of a recording: from a file beside it, or found in its pictures."""

from __future__ import annotations

from dataclasses import dataclass

from viodat.build.faults import heeding, is_passing
from viodat.build.options import BuildOptions
from viodat.capture.config import CaptureConfig
from viodat.capture.raw import RawRecording
from viodat.capture.video_times import VideoTimes
from viodat.errors import CaptureError, MissingExtraError
from viodat.pose2d import Keypoints, create_source, source_for


@dataclass(frozen=True)
class Detected:
    """Keypoints of a recording, or why there are none, and what readers found and handled."""

    keypoints: Keypoints | None = None
    why_not: str = ""
    warned: tuple[str, ...] = ()


def detect_keypoints(
    files: RawRecording, times: VideoTimes | None, config: CaptureConfig, options: BuildOptions
) -> Detected:
    """Read a recording's keypoint file, or look for keypoints in its pictures.

    Raises
    ------
    ViodatError
        If its video is damaged, or a detector was asked for and is not there.
    """
    if times is None:
        return Detected()
    with heeding() as warned:
        keypoints, why_not = _keypoints(files, times, config, options)
    return Detected(keypoints, why_not, tuple(warned))


def _keypoints(
    files: RawRecording, times: VideoTimes, config: CaptureConfig, options: BuildOptions
) -> tuple[Keypoints | None, str]:
    choice = options.pose2d if options.pose2d != "auto" else config.pose2d.source
    if choice == "none":
        return None, ""
    if choice in ("auto", "files") and files.keypoints is not None:
        try:
            return keypoints_from_file(files, times, config), ""
        except CaptureError as error:
            if is_passing(error):
                raise
            return None, f"its keypoints are not used, so detected_px is null: {error}"
    if choice == "files":
        return None, "it has no keypoint file, so detected_px is null"
    if files.video is None:
        return None, "it has stamps but no pixels and no keypoint file, so detected_px is null"
    try:
        detector = create_source("mediapipe", **({"model": options.pose_model} if options.pose_model else {}))
    except MissingExtraError as error:
        if choice == "mediapipe":
            raise
        return None, f"no keypoints were detected, so detected_px is null: {error}"
    return detector.read(files.video).on_frames(times.pts), ""


def keypoints_from_file(files: RawRecording, times: VideoTimes, config: CaptureConfig) -> Keypoints | None:
    """Read the keypoint file beside a recording, one row per video frame; None if there is none.

    Raises
    ------
    CaptureError
        If it is damaged, or is not of this video.
    """
    if files.keypoints is None:
        return None
    layout = {"layout": config.pose2d.layout} if config.pose2d.layout else {}
    return source_for(files.keypoints, **layout).read(files.keypoints).on_frames(times.pts)
