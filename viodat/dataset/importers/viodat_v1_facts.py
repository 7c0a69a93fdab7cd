"""What is known of VioDat v1.0 beside its numbers: whose it is, who is tested on, what is left out, what is missing."""

from __future__ import annotations

from typing import Final

from viodat.dataset.importers.card import About

LEFT_OUT: Final = frozenset(
    {
        "P05C01T28", "P08C08T13", "P08C08T15", "P10C07T10", "P12C10T09", "P08C01T23", "P08C02T23", "P08C07T23",
        "P08C08T23",
    }
)  # fmt: skip
"""Recordings that the published loader leaves out by hand."""

TEST: Final = frozenset({"P05", "P08", "P13"})
TRAIN: Final = frozenset(f"P{number:02d}" for number in (4, 6, 7, 9, 10, 11, 12, 14, 15))

_LICENCE: Final = (
    "VioDat is available for non-commercial and research use only and may not be redistributed; this dataset is a copy "
    "of it in another form, so the same holds for it (https://www.snehesh.com/viodat/, "
    "https://github.com/SeongJong-Yoo/VioPose)"
)
_CITATION: Final = (
    "Yoo SJ, Shrestha S, Muresanu I, Fermüller C. VioPose: Violin Performance 4D Pose Estimation by Hierarchical "
    "Audiovisual Inference. Winter Conference on Applications of Computer Vision (WACV), 2025, 4923-4934."
)

LEFT_OUT_REASON: Final = "left out by hand by the authors: it is on the list of the loader published with VioDat"

_MISSING: Final = (
    "Markers, gaps and the skeleton fit: the release holds joint positions only. `sigma_mm`, `velocity_mm_s`, "
    "`acceleration_mm_s2` and `angles_rad` are null. How the joints were computed is not published.",
    "Time stamps: a frame's time is its number divided by the published rate of the video, although phones vary "
    "theirs. `pts` is the frame's number.",
    "The frame of reference: nothing says which axis is up, or where zero is. `world` is the frame of the "
    "release's own 3D poses.",
    "Calibration: a camera is fitted, per recording, to the release's own 3D and 2D poses (a pinhole with square "
    "pixels, one radial term where it needs one). It reproduces those pixels; it was not measured in the room.",
    "The size of the pictures: taken to be 1280 x 720 px, or 720 x 1280 where the poses need it, because the "
    "paper says 720p. The pictures themselves are not in the release.",
    "Uncertainties of the clocks: `offset_s` is where the poses of a recording lie on the trial's motion, "
    "`drift_ppm` is 0 because nothing tells it, `sigma_ms` is null.",
    "Participants: sex, age group, level, measurements and consent are null.",
    "Sound: `f0_hz` and `voiced` are null. `log_mel_db` is viodat's own, of the published sound at 8 kHz: bands above "
    "4 kHz are at the floor, and it is null where that sound is missing. The published spectrograms are of another, "
    "unstated kind and were not read. Row k of the audio frame stands at k / rate, as in the authors' loader; their "
    "own code stretches the rate until rows and frames agree, so a row may be late or early by as much as sound and "
    "picture differ in length.",
    "The confidence of MediaPipe's keypoints. Where it saw nobody the authors' code leaves numbers unset; those "
    "at (0, 0) or far outside any picture are missing here, others cannot be told from detections.",
    "The validation set of the paper, 10 % of the training windows: windows overlap, so it leaks. Here it is 10 %"
    " of the training trials. For the paper's training set take `train` and `validation` together.",
)
"""What a dataset of viodat's schema can hold and the release does not, or does not state."""

ABOUT: Final = About(
    format="viodat-v1",
    name="VioDat v1.0",
    description="Violinists filmed by four phones, with 3D joint positions from motion capture and sound: "
    "VioDat v1.0 as published, imported into viodat's schema.",
    licence=_LICENCE,
    citation=_CITATION,
    missing=_MISSING,
    contents=(
        (
            "`participants.parquet`, `trials.parquet`, `recordings.parquet`",
            "participant, trial, recording",
            "as named; `recordings.camera_model` is the fitted camera",
        ),
        ("`cameras.parquet`", "", "empty: the release holds no calibration"),
        ("`exclusions.parquet`", "thing left out", "stage, reason, the number behind it and its limit"),
        ("`motion/`", "row of the published 3D poses", "`trial`, `time_ns`, `joints_mm` [18x3], `valid` [18]"),
        (
            "`video/`",
            "video frame",
            "`trial`, `recording`, `time_ns`, `device_time_ns`, `pts`, `pose3d_mm` [18x3] camera frame, `pose2d_px` "
            "[18x2] published 2D truth, `detected_px` [18x2], `confidence` [18], `valid` [18]",
        ),
        (
            "`audio/`",
            "10 ms of sound",
            "`trial`, `recording`, `time_ns`, `device_time_ns`, `features` [35], `log_mel_db` [128]",
        ),
        ("`waveform/`", "", "the published sound, 8 kHz, FLAC"),
    ),
    clock="zero is the first row of the trial's motion",
    example='windows = viodat.PoseWindows(".", split="train")',
)
