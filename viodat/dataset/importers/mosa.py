"""MOSA as published: markers of violinists and pianists at 120 Hz, their sound, and notes, beats and expression.

The layout is that of the data set's own description: files called ``PIECE_PERFORMER_TRIAL_what``, in folders by
instrument, piece, performer and trial; only the names are looked at, so any selection of the files can be imported.
``motion.csv`` has one column per marker and axis, found by the header: their order differs between the two places of
recording. Motion and sound begin together: the code published with the data cuts both at the same second.

Source: Huang et al. 2024 (IEEE/ACM TASLP, doi 10.1109/TASLP.2024.3407529), and the repository published with it, which
calls the 34 markers by name and their unit mm. The unit is told by the players' size all the same.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Final

from viodat.dataset.importers.card import About
from viodat.dataset.importers.marker_joints import METHODS_NOTE, MarkerJoints, joints_of
from viodat.dataset.importers.mosa_annotations import TABLES, annotations_of
from viodat.dataset.importers.mosa_motion import RATE_HZ, read_motion
from viodat.dataset.importers.options import Imported, ImportOptions, Progress
from viodat.dataset.importers.sources import files_below
from viodat.dataset.importers.takes import Take, contents, write_takes
from viodat.dataset.importers.trial_writer import TrialWriter
from viodat.errors import CaptureError

_MOTION: Final = "motion.csv"
_SOUND: Final = "audio.wav"
_CLIP: Final = "audio_clip.wav"
_NAME: Final = re.compile(r"(?P<take>[a-z]{2}\d{1,2}_(?P<performer>[a-z]{2}\d{1,3})_t\d{1,2})_(?P<what>[\w.]+)")
_READ: Final = frozenset({_MOTION, _SOUND, _CLIP, *TABLES})
_APART_S: Final = 0.5

_ABOUT: Final = About(
    format="mosa",
    name="MOSA: Music mOtion with Semantic Annotation",
    description="Violinists and pianists with 34 markers on body and instrument, their sound, and notes, beats, "
    "phrases, dynamics, articulation and harmony: MOSA as published, imported into viodat's schema.",
    licence="CC BY 4.0 for the data, MIT for the repository "
    "(https://github.com/yufenhuang/MOSA-Music-mOtion-and-Semantic-Annotation-dataset)",
    citation="Huang YF, Moran N, Coleman S, Kelly J, Wei SH, Chen PY, Huang YH, Chen TP, Kuo YC, Wei YC, Li CH, "
    "Huang DY, Kao HK, Lin TW, Su L. MOSA: Music Motion with Semantic Annotation Dataset for Cross-Modal Music "
    "Processing. IEEE/ACM Transactions on Audio, Speech, and Language Processing, 2024, doi "
    "10.1109/TASLP.2024.3407529.",
    missing=(
        METHODS_NOTE,
        "The markers themselves, those of violin and bow among them: the schema has joints only. `sigma_mm`, "
        "`velocity_mm_s`, `acceleration_mm_s2` and `angles_rad` are null.",
        "The normalised motion (`motion_norm.csv`) and the scores (`sheet.pdf`, `sheet.xml`, `note.csv`) were not "
        "read.",
        f"Time stamps: a frame's time is its number divided by {RATE_HZ:g} Hz, the rate that the paper states. Sound "
        "and motion are taken to begin together, as the published code does; how well they do is not published, so "
        "`sigma_ms` and `confidence` are null. An excerpt of the sound (`audio_clip.wav`) has no clock: where it "
        "begins is not published.",
        "Beats, downbeats, phrases, expression, harmony and cadences are published in quarter notes of the score. "
        "Their times are interpolated between the onsets of the aligned notes, as the published code does; what "
        "begins outside the notes is left out, what ends after them ends with them.",
        "The frame of reference: nothing says which axis is up.",
        "Cameras, pictures and 2D keypoints: there are none in the release.",
        "Participants: sex, age group, level, measurements and consent are null.",
        "`f0_hz` and `voiced` are null: pitch was not computed.",
        "A test set: the paper's tasks have their own; here nobody is tested unless --config says who.",
    ),
    contents=contents(motion=True),
    clock="zero is the first frame of the motion and the first sample of the sound",
    example='notes = ds.annotations("P01T01").query("kind == \'note\'")',
)


def import_mosa(source: Path, folder: Path, options: ImportOptions, progress: Progress) -> Imported:
    """Write MOSA, or a part of it, as a dataset of viodat's schema.

    Parameters
    ----------
    source
        A folder; the files may lie in any folders below it.
    folder
        An empty folder; the manifest is written last.
    options
        Rates of the audio frame, capture.toml.
    progress
        Called after each trial.

    Raises
    ------
    CaptureError
        If no file below ``source`` is called as MOSA's are.
    DatasetError
        If not one take can be imported.
    """
    found: dict[str, dict[str, str]] = {}
    people: dict[str, str] = {}
    notes = []
    for name in files_below(source):
        match = _NAME.fullmatch(name.rpartition("/")[2])
        if match is None or match["what"] not in _READ:
            continue
        files = found.setdefault(match["take"], {})
        people[match["take"]] = match["performer"]
        if match["what"] in files:
            notes.append(f"{name} is there twice; {files[match['what']]} was taken")
        files.setdefault(match["what"], name)
    if not found:
        raise CaptureError(
            "holds no file of MOSA, such as ba1_yv10_t1_motion.csv",
            where=source,
            mend="Name the folder of MOSA, unpacked.",
        )
    takes = [Take(people[take], take, partial(_write, files)) for take, files in found.items()]
    return write_takes(_ABOUT, takes, source, folder, options, progress, notes)


def _write(files: Mapping[str, str], trial: TrialWriter) -> None:
    joints: MarkerJoints | str | None = None
    if _MOTION in files:
        joints = joints_of(read_motion(trial.use(files[_MOTION])), trial.config, default="mosa")
    annotations, faults = annotations_of(files, trial.use)
    if isinstance(joints, MarkerJoints):
        trial.motion(joints, files[_MOTION])
    trial.annotate(annotations)
    trial.notes += faults
    if _SOUND in files:
        trial.sound("M01", files[_SOUND])
        seconds = trial.out.recordings[trial.recording("M01")].get("audio_seconds")
        if isinstance(joints, MarkerJoints) and seconds is not None:
            apart = seconds - len(joints.positions_mm) / joints.rate_hz
            if abs(apart) > _APART_S:
                trial.notes.append(
                    f"the sound is {abs(apart):.2f} s {'longer' if apart > 0 else 'shorter'} than the motion"
                )
    if _CLIP in files:
        trial.sound("M02", files[_CLIP], unplaced="an excerpt; where in the take it begins is not published")
