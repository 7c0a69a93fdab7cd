"""The stages of one recording: a device's picture and sound, its keypoints, and, once its clock is known, its truth."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from viodat.build.clock_claims import claims_of, movies_of
from viodat.build.faults import heeding, is_passing
from viodat.build.keypoints import Detected
from viodat.build.options import BuildOptions, sync_method
from viodat.build.raw import RawCapture
from viodat.build.truth import FrameTruth, JointCurve, overlap_fault, truth_at_frames
from viodat.camera import Camera
from viodat.capture.audio import AudioSignal, has_audio, read_audio
from viodat.capture.markers import Movie
from viodat.capture.raw import RawRecording
from viodat.capture.video import iter_frames, read_video_times
from viodat.capture.video_times import VideoTimes
from viodat.clock import Claim, ClockMap
from viodat.dataset import schema
from viodat.errors import CaptureError
from viodat.pose2d import Keypoints

_THUMBNAIL_PX = 640
_UNPLACED = (
    "capture.toml does not say where it is ([microphones.{}] place_mm), so its clock is some ms less certain: sound "
    "takes 2.9 ms per metre"
)


@dataclass(frozen=True)
class RecordingResult:
    """What became of one recording.

    Attributes
    ----------
    files
        Where its files are.
    camera
        Its camera at the video's size, or None where it is not calibrated.
    times
        Stamps of its N frames, or None without picture.
    device_times_s
        (N,) s on the device's own clock; empty without picture.
    zero_known
        Whether the device's zero is: not where its sound track is damaged. Then its times count from container time 0.
    keypoints
        Detected keypoints, one row per frame; None if there are none.
    sound
        Its sound, or None.
    waveform
        The sound as the dataset will have it; None before it is written.
    claims
        What is said of its clock.
    clock
        Its clock, or None where it is unknown.
    status
        One of those of :mod:`viodat.dataset.schema`.
    sigma_s
        Standard deviation of its time on the mocap clock at the worse end of what it shares with the trial: of its
        pictures, or without them of its sound; NaN where that is unknown.
    truth
        Truth at the frames; None without picture.
    picture
        One (H, W, 3) uint8 RGB frame for the take sheet, with its index; None without pixels.
    notes
        What was found, handled, or is missing.
    alarms
        Those notes that say that something is probably wrong.
    """

    files: RawRecording
    camera: Camera | None = None
    times: VideoTimes | None = None
    device_times_s: NDArray[np.float64] = field(default_factory=lambda: np.empty(0))
    zero_known: bool = True
    keypoints: Keypoints | None = None
    sound: AudioSignal | None = None
    claims: tuple[Claim, ...] = ()
    waveform: Path | None = None
    clock: ClockMap | None = None
    status: str = schema.STATUS_UNSYNCHRONISED
    sigma_s: float = float("nan")
    truth: FrameTruth | None = None
    picture: tuple[int, NDArray[np.uint8]] | None = None
    notes: tuple[str, ...] = ()
    alarms: tuple[str, ...] = ()

    def noting(self, *notes: str, alarms: Sequence[str] = ()) -> RecordingResult:
        """Add notes, and alarms, which are notes too."""
        return replace(
            self,
            notes=tuple(dict.fromkeys((*self.notes, *notes, *alarms))),
            alarms=tuple(dict.fromkeys((*self.alarms, *alarms))),
        )


@dataclass(frozen=True)
class Recorded:
    """What a recording's own files hold.

    Attributes
    ----------
    times
        Stamps of its frames; None without picture.
    sound
        None without one.
    zero_s
        Container time of the device's zero, its first sample of sound: 0 without a track, None where a damaged track
        hides it.
    without_sound
        Why there is no sound; else empty.
    warned
        What readers found and handled.
    """

    times: VideoTimes | None = None
    sound: AudioSignal | None = None
    zero_s: float | None = 0.0
    without_sound: str = ""
    warned: tuple[str, ...] = ()


def read_files(files: RawRecording) -> Recorded:
    """Read a recording's sound and the stamps of its frames.

    Raises
    ------
    ViodatError
        If one of its files is damaged.
    """
    with heeding() as warned:
        sound, zero_s, without_sound = _read_sound(files)
        stamps = files.video or files.frames_csv
        times = read_video_times(stamps) if stamps else None
    return Recorded(times, sound, zero_s, without_sound, tuple(warned))


def join_recording(
    files: RawRecording,
    recorded: Recorded,
    detected: Detected,
    movies: Sequence[Movie],
    raw: RawCapture,
    options: BuildOptions,
) -> RecordingResult:
    """Put together what is known of a recording before its clock is.

    Parameters
    ----------
    files
        Where its files are.
    recorded, detected
        What they hold.
    movies
        Videos that the trial's marker file names.
    raw
        The capture it is part of.
    options
        What the build is asked to do.

    Raises
    ------
    ViodatError
        If its calibration does not fit its pictures, or what is said of its clock cannot be understood.
    """
    notes: list[str] = []
    alarms: list[str] = []
    times, sound, zero_s = recorded.times, recorded.sound, recorded.zero_s
    with heeding() as warned:
        camera = _camera_at_size(raw, files.device, times)
        device_times = np.empty(0)
        if times is not None:
            # A device's own clock is zero at its first sample of sound, or else at container time 0.
            device_times = times.times_s - (zero_s or 0.0)
            if times.truncated:
                alarms.append("its video is truncated")
            if camera is None:
                notes.append("its camera is not calibrated, so it has no 2D and no camera-frame truth")
            notes += [detected.why_not] if detected.why_not else []
        elif files.kind == "camera":
            notes.append("it has no picture")
        elif files.device not in raw.config.microphones and sync_method(raw.config, options.sync) == "auto":
            notes.append(_UNPLACED.format(files.device))
        if sound is None:
            notes.append(f"it has no audio features: {recorded.without_sound}")
        mine = movies_of(files, movies)
        claims, unused = claims_of(files, raw.config, mine, times, zero_s, has_sound=sound is not None)
        notes += unused
    notes += [*recorded.warned, *detected.warned, *warned]
    for part in (times, sound, detected.keypoints):
        notes += part.notes if part is not None else ()
    result = RecordingResult(
        files, camera, times, device_times, zero_s is not None, detected.keypoints, sound, claims
    )  # fmt: skip
    return result.noting(*notes, alarms=alarms)


def project_truth(
    recording: RecordingResult,
    clock: ClockMap | None,
    curve: JointCurve,
    markers_s: tuple[float, float] | None,
    stage: Callable[[str], None],
) -> RecordingResult:
    """Run the stages of one recording that need its clock: truth at its frames, and a picture of it.

    Parameters
    ----------
    recording
        From :func:`join_recording`.
    clock
        Of its sound; None where it is unknown.
    curve
        The trial's joints at any time.
    markers_s
        Mocap time of the first and the last marker frame, s; None where there is none.
    stage
        Called with the name of each stage when it begins, so that a failure can be told by it.

    Raises
    ------
    ViodatError
        If its video cannot be decoded.
    """
    result = replace(recording, clock=clock)
    if recording.times is None:
        return result
    seen = clock.of_picture() if clock is not None else None
    with heeding() as told:
        stage("project")
        truth = truth_at_frames(curve, recording.device_times_s, seen, recording.camera)
        picture = None
        if recording.files.video:
            stage("picture")
            picture = _picture(recording.files.video, recording.times, truth)
    fault = overlap_fault(seen, recording.device_times_s, markers_s)
    return replace(result, truth=truth, picture=picture).noting(*told, alarms=[fault] if fault else [])


def _read_sound(files: RawRecording) -> tuple[AudioSignal | None, float | None, str]:
    """Read the sound; give it, the container time of its first sample, and why there is no sound.

    A file of its own that cannot be read is an error. A video's own track that cannot be used costs the sound alone:
    the picture is still worth having. The time is 0 without a track, and None where a damaged track hides it.
    """
    if files.audio is not None:
        sound = read_audio(files.audio)
        return sound, sound.start_s, ""
    if files.video is None or not has_audio(files.video):
        return None, 0.0, "there is no sound"
    try:
        sound = read_audio(files.video, silence=True)
    except CaptureError as error:
        if is_passing(error):
            raise
        return None, None, str(error)
    if not sound.samples.any():
        return None, sound.start_s, "its sound is silence, all samples are zero"
    return sound, sound.start_s, ""


def _camera_at_size(raw: RawCapture, device: str, times: VideoTimes | None) -> Camera | None:
    camera = raw.cameras.get(device)
    if camera is None or times is None or times.size_px is None:
        return camera
    return camera.fitted_to(times.size_px, raw.config.cameras.fit.get(device, "guess"))


def _picture(video: Path, times: VideoTimes, truth: FrameTruth) -> tuple[int, NDArray[np.uint8]] | None:
    """Find the frame nearest the middle in which most joints are drawn."""
    index = times.n_frames // 2
    if truth.pose2d_px is not None and len(truth.pose2d_px):
        drawn = np.isfinite(truth.pose2d_px).all(-1).sum(-1)
        best = np.flatnonzero(drawn == drawn.max())
        index = int(best[np.argmin(np.abs(best - times.n_frames // 2))])
    for frame in iter_frames(video, frames=[index], max_size_px=_THUMBNAIL_PX):
        return frame.index, frame.image
    return None
