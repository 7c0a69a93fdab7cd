"""The Parquet schema of a viodat dataset: every column with its unit, frame and joint order in field metadata.

Arrays of a fixed size are Arrow ``FixedSizeList`` columns, flattened in row-major order; the field metadata
``shape`` says how to unflatten them. A missing number is null. Times are int64 nanoseconds on the mocap clock.
Each stream file names its trial (and recording) in a column of its own, so that a folder of them reads as one
table; what holds for a whole file (versions, frames, clock, joint order) stands in the schema's metadata.
The version is ``major.minor``: a reader accepts any minor of its own major and refuses every other major. A column that
came with a later minor than the first has that in its metadata, as ``since``; in older datasets it reads as missing.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import pyarrow as pa

from viodat._version import __version__
from viodat.body.angles import ANGLES
from viodat.capture.measurements import MEASUREMENTS
from viodat.joints import JOINTS

SCHEMA_VERSION: Final = "1.3"

N_JOINTS: Final = len(JOINTS)
N_FEATURES: Final = 35
N_MELS: Final = 128

NS: Final = 1_000_000_000
"""Nanoseconds per second: times are stored in whole ones."""

STATUS_BUILT: Final = "built"
STATUS_EXCLUDED: Final = "excluded"
STATUS_UNSYNCHRONISED: Final = "unsynchronised"
STATUS_UNCERTAIN: Final = "uncertain"


def _field(name: str, kind: pa.DataType, meaning: str, *, required: bool = False, **metadata: str) -> pa.Field:
    return pa.field(name, kind, nullable=not required, metadata={"meaning": meaning, **metadata})


def _array(
    name: str, kind: pa.DataType, shape: tuple[int, ...], meaning: str, *, required: bool = False, **metadata: str
) -> pa.Field:
    size = 1
    for length in shape:
        size *= length
    text = "x".join(str(length) for length in shape)
    return pa.field(
        name, pa.list_(kind, size), nullable=not required, metadata={"meaning": meaning, "shape": text, **metadata}
    )


_ORDER: Final = ",".join(JOINTS)
_ANGLE_ORDER: Final = ",".join(ANGLES)

FILE_METADATA: Final = {
    "schema_version": SCHEMA_VERSION,
    "viodat_version": __version__,
    "world_frame": "the C3D file's own, right-handed, Z up, mm",
    "camera_frame": "OpenCV: x right, y down, z forward, mm; X_camera = R @ X_world + t (recordings.camera_model)",
    "image_frame": "px, x right, y down, centre of the top left pixel is (0, 0)",
    "clock": "motion capture, int64 ns, zero at C3D frame number 1",
    "joints": _ORDER,
}
"""What holds for every column of a file: metadata of the Parquet schema."""


def version_number(text: str) -> tuple[int, int]:
    """Give major and minor of a schema version; raises ValueError if it is none."""
    major, _, minor = text.partition(".")
    return int(major), int(minor or 0)


def lacks(version: str, field: pa.Field) -> bool:
    """Say whether datasets of that schema version are older than a column."""
    since = (field.metadata or {}).get(b"since")
    return since is not None and version_number(version) < version_number(since.decode())


def _schema(fields: Iterable[pa.Field]) -> pa.Schema:
    return pa.schema(list(fields), metadata=FILE_METADATA)


_TRIAL = _field("trial", pa.string(), "trial id, the same in all rows of a file", required=True)
_RECORDING = _field("recording", pa.string(), "recording id, the same in all rows of a file", required=True)
_TIME = _field(
    "time_ns", pa.int64(), "time on the mocap clock, zero at C3D frame number 1; null where the clock is unknown",
    unit="ns",
)  # fmt: skip
_DEVICE_TIME = _field("device_time_ns", pa.int64(), "time on the device's own clock", required=True, unit="ns")

MOTION = _schema(
    [
        _TRIAL,
        _field("time_ns", pa.int64(), "time on the mocap clock, zero at C3D frame number 1", required=True, unit="ns"),
        _array("joints_mm", pa.float32(), (N_JOINTS, 3), "joint centres", unit="mm", frame="world", joints=_ORDER),
        _array(
            "sigma_mm", pa.float32(), (N_JOINTS,),
            "standard deviation of the joint centre; null: the method states none", unit="mm", joints=_ORDER,
        ),
        _array("valid", pa.bool_(), (N_JOINTS,), "the joint is determined in this frame", required=True, joints=_ORDER),
        _array(
            "velocity_mm_s", pa.float32(), (N_JOINTS, 3), "velocities of the joint centres, from the skeleton fit",
            unit="mm/s", frame="world", joints=_ORDER, since="1.1",
        ),
        _array(
            "acceleration_mm_s2", pa.float32(), (N_JOINTS, 3),
            "accelerations of the joint centres, from the skeleton fit",
            unit="mm/s^2", frame="world", joints=_ORDER, since="1.1",
        ),
        _array(
            "angles_rad", pa.float32(), (len(ANGLES),), "joint angles, in the order of the field's metadata `angles`",
            unit="rad", angles=_ANGLE_ORDER, since="1.1",
        ),
    ]
)  # fmt: skip

VIDEO = _schema(
    [
        _TRIAL,
        _RECORDING,
        _TIME,
        _DEVICE_TIME,
        _field("pts", pa.int64(), "presentation time stamp, in the recording's time_base", required=True),
        _array("pose3d_mm", pa.float32(), (N_JOINTS, 3), "joint centres", unit="mm", frame="camera", joints=_ORDER),
        _array(
            "pose2d_px", pa.float32(), (N_JOINTS, 2),
            "projected joint centres, lens distortion included", unit="px", frame="image", joints=_ORDER,
        ),
        _array(
            "detected_px", pa.float32(), (N_JOINTS, 2),
            "detected keypoints", unit="px", frame="image", joints=_ORDER,
        ),
        _array(
            "confidence", pa.float32(), (N_JOINTS,),
            "the detector's own confidence, 0 to 1", unit="1", joints=_ORDER,
        ),
        _array(
            "valid", pa.bool_(), (N_JOINTS,),
            "pose3d_mm and pose2d_px are determined in this frame", required=True, joints=_ORDER,
        ),
    ]
)  # fmt: skip

AUDIO = _schema(
    [
        _TRIAL,
        _RECORDING,
        _TIME,
        _DEVICE_TIME,
        _array("features", pa.float32(), (N_FEATURES,), "the 35-d audio frame (docs/science/audio.md)"),
        _array("log_mel_db", pa.float32(), (N_MELS,), "log-mel spectrogram", unit="dB"),
        _field("f0_hz", pa.float32(), "fundamental frequency; null where unvoiced or not computed", unit="Hz"),
        _field("voiced", pa.bool_(), "a pitch was found in this row; null where pitch was not computed"),
    ]
)
"""Features at 100 Hz. Other rates, on request, hold the same columns without spectrogram and f0."""

AUDIO_OTHER_RATE = _schema(
    AUDIO.field(name) for name in ("trial", "recording", "time_ns", "device_time_ns", "features")
)

ANNOTATIONS = _schema(
    [
        _TRIAL,
        _field("recording", pa.string(), "recording it was made of; null where it is of the whole trial"),
        _field("kind", pa.string(), "note, beat, downbeat, phrase, expression, harmony, cadence or f0", required=True),
        _field("start_ns", pa.int64(), "when it begins, on the clock of the trial", required=True, unit="ns"),
        _field("end_ns", pa.int64(), "when it ends, on the clock of the trial; null where it is an instant", unit="ns"),
        _field(
            "value",
            pa.float64(),
            "note: MIDI number, a fraction where the pitch was given in Hz; f0: Hz, null where there is no pitch; "
            "beat, downbeat: position in the score in quarter notes; null for the others",
        ),
        _field("text", pa.string(), "what was published beside: the name of a note, a word, a chord"),
        _field("source", pa.string(), "path of the published file", required=True),
    ]
)
"""What people or programs wrote about a trial; only in datasets that were imported with it."""

PARTICIPANTS = _schema(
    [
        _field("participant", pa.string(), "participant id", required=True),
        _field("split", pa.string(), "train or test"),
        _field("sex", pa.string(), "as in participants.csv"),
        _field("age_group", pa.string(), "as in participants.csv"),
        _field("level", pa.string(), "as in participants.csv"),
        _field("handedness", pa.string(), "as in participants.csv"),
        _field("consent", pa.string(), "as in participants.csv"),
        *(
            _field(name, pa.float64(), spec.meaning, unit=spec.unit)
            for name, spec in MEASUREMENTS.items()
        ),
        _field("measurement_sources", pa.map_(pa.string(), pa.string()), "which file each measurement is from"),
    ]
)  # fmt: skip

TRIALS = _schema(
    [
        _field("trial", pa.string(), "trial id", required=True),
        _field("participant", pa.string(), "participant id", required=True),
        _field("split", pa.string(), "train, validation or test", required=True),
        _field("status", pa.string(), "built or excluded", required=True),
        _field("seconds", pa.float64(), "duration of the marker recording", unit="s"),
        _field("rate_hz", pa.float64(), "rate of the marker recording", unit="Hz"),
        _field("frames", pa.int64(), "frames of the marker recording"),
        _field("start_ns", pa.int64(), "mocap time of the first frame", unit="ns"),
        _field("session", pa.string(), "recorded in one go with others of that name, as the lab says", since="1.3"),
        _field("piece", pa.string(), "what is played, as the lab calls it", since="1.3"),
        _field("marker_file", pa.string(), "path under the raw capture"),
        _field("marker_set", pa.string(), "marker set the joints were computed with"),
        _field("gap_share", pa.float64(), "share of marker samples that are missing", unit="1"),
        _array("joint_methods", pa.string(), (N_JOINTS,), "how each joint centre was computed", joints=_ORDER),
        _array("joint_valid_share", pa.float64(), (N_JOINTS,), "share of frames in which the joint is determined",
               unit="1", joints=_ORDER),
        _field("notes", pa.list_(pa.string()), "what was found and handled"),
    ]
)  # fmt: skip

CAMERAS = _schema(
    [
        _field("camera", pa.string(), "device id, as in recordings.device", required=True),
        _field("calibration_id", pa.string(), "name in the calibration file", required=True),
        _field("width_px", pa.int64(), "image width of the calibration", unit="px"),
        _field("height_px", pa.int64(), "image height of the calibration", unit="px"),
        _field("model", pa.string(), "the whole camera as JSON, for viodat.camera.Camera.from_dict", required=True),
        _field("source", pa.string(), "calibration file"),
        _field("notes", pa.list_(pa.string()), "what was found and handled"),
    ]
)  # fmt: skip

RECORDINGS = _schema(
    [
        _field("recording", pa.string(), "recording id", required=True),
        _field("trial", pa.string(), "trial id", required=True),
        _field("participant", pa.string(), "participant id", required=True),
        _field("device", pa.string(), "device id", required=True),
        _field("kind", pa.string(), "camera or microphone", required=True),
        _field("split", pa.string(), "train, validation or test", required=True),
        _field("status", pa.string(), "built, uncertain, unsynchronised or excluded", required=True),
        _field("offset_s", pa.float64(), "mocap time at the device's zero", unit="s"),
        _field("drift_ppm", pa.float64(), "how much faster mocap time runs than the device's", unit="1e-6"),
        _field(
            "drift_sigma_ppm", pa.float64(), "standard deviation of the drift; null where the clock was given",
            unit="1e-6", since="1.2",
        ),
        _field(
            "skew_ms", pa.float64(),
            "by how much a picture's stamp is later than the sound of the same event; null where none was estimated: "
            "then the pictures are on the sound's clock",
            unit="ms", since="1.2",
        ),
        _field("skew_sigma_ms", pa.float64(), "standard deviation of the skew", unit="ms", since="1.2"),
        _field(
            "sigma_ms", pa.float64(),
            "standard deviation of the mocap time of its pictures, or without pictures of its sound, at the worse end "
            "of what it shares with the trial",
            unit="ms",
        ),
        _field(
            "confidence", pa.float64(),
            "probability that it belongs to the trial and stands about there; null where the clock was given", unit="1",
        ),
        _field("sync_method", pa.string(), "given, or the kinds of evidence that the clock rests on, joined by +"),
        _field("calibrated", pa.bool_(), "a camera model exists, so 2D and camera-frame truth do"),
        _field("camera_model", pa.string(), "the camera at this video's size, as JSON"),
        _field("frames", pa.int64(), "video frames"),
        _field("first_frame_ns", pa.int64(), "mocap time of the first video frame", unit="ns"),
        _field("last_frame_ns", pa.int64(), "mocap time of the last video frame", unit="ns"),
        _field("time_base", pa.string(), "unit of pts, s, as a fraction"),
        _field("width_px", pa.int64(), "image width as displayed", unit="px"),
        _field("height_px", pa.int64(), "image height as displayed", unit="px"),
        _field("codec", pa.string(), "video codec"),
        _field("audio_rate_hz", pa.float64(), "sample rate of the sound", unit="Hz"),
        _field("audio_start_s", pa.float64(), "device time of the first sample", unit="s"),
        _field("audio_seconds", pa.float64(), "duration of the sound", unit="s"),
        _field("keypoints", pa.string(), "where detected_px is from; null where there is none"),
        _field("video_file", pa.string(), "path under the raw capture"),
        _field("audio_file", pa.string(), "path under the raw capture"),
        _field("notes", pa.list_(pa.string()), "what was found and handled"),
    ]
)  # fmt: skip

EXCLUSIONS = _schema(
    [
        _field("trial", pa.string(), "trial id", required=True),
        _field("recording", pa.string(), "recording id; null where the whole trial is excluded"),
        _field("stage", pa.string(), "stage of the pipeline that failed or said no", required=True),
        _field("reason", pa.string(), "why, in a sentence", required=True),
        _field("value", pa.float64(), "the number behind it, if there is one"),
        _field("limit", pa.float64(), "the number it was held against"),
    ]
)

TABLES: Final = {
    "participants": PARTICIPANTS,
    "trials": TRIALS,
    "cameras": CAMERAS,
    "recordings": RECORDINGS,
    "exclusions": EXCLUSIONS,
}
