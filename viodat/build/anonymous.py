"""A trial and a capture as they may be told of: people by their participant ids, wherever raw files or paths name them.

Applied when all is computed and before anything is written, to free text and paths only: what a name is taken for in a
note cannot change a number.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from viodat.build.raw import RawCapture
from viodat.build.recording import RecordingResult
from viodat.build.trial import TrialResult
from viodat.camera import Camera
from viodat.capture.raw import RawRecording, RawTrial
from viodat.dataset.pseudonyms import Pseudonyms

Named = tuple[str, str]
"""A name, and the participant who has it."""


def names_of(result: TrialResult, raw: RawCapture) -> tuple[Named, ...]:
    """Give the names by which a trial's raw files call its participant."""
    files, subject = result.files, raw.config.markers.subject
    names = [
        result.markers.subject.name if result.markers is not None else "",
        files.vsk.stem if files.vsk is not None else "",
        subject or "",
    ]
    return tuple((name, files.participant) for name in dict.fromkeys(names) if name)


def anonymous_trial(result: TrialResult, folder: Path, people: Pseudonyms) -> TrialResult:
    """Give a trial as it may be told of.

    Parameters
    ----------
    result
        All of it; its files are not opened any more.
    folder
        The raw capture.
    people
        Who is called what.
    """
    measurements = result.measurements
    return replace(
        result,
        files=_trial(result.files, folder, people),
        measurements=replace(measurements, sources=people.plain(measurements.sources)) if measurements else None,
        recordings=tuple(_recording(one, folder, people) for one in result.recordings),
        exclusions=tuple(replace(one, reason=people.text(one.reason)) for one in result.exclusions),
        notes=_texts(result.notes, people),
        alarms=_texts(result.alarms, people),
        inputs=people.plain(result.inputs),
    )


def anonymous_capture(raw: RawCapture, people: Pseudonyms) -> RawCapture:
    """Give a capture as the dataset's tables and pages may tell of it; its configuration is left as it is."""
    layout = raw.layout
    return replace(
        raw,
        cameras={device: _camera(camera, people) for device, camera in raw.cameras.items()},
        calibration_ids=people.plain(raw.calibration_ids),
        notes=tuple(replace(note, where=people.text(note.where), text=people.text(note.text)) for note in raw.notes),
        layout=replace(
            layout,
            missing=tuple(
                replace(one, where=people.text(one.where), text=people.text(one.text)) for one in layout.missing
            ),
            unmatched=tuple(
                replace(one, path=people.text(one.path), hint=people.text(one.hint)) for one in layout.unmatched
            ),
            notes=_texts(layout.notes, people),
        ),
    )


def _trial(files: RawTrial, folder: Path, people: Pseudonyms) -> RawTrial:
    return replace(
        files,
        marker_file=_path(files.marker_file, folder, people),
        static=_path(files.static, folder, people) if files.static else None,
        rom=_path(files.rom, folder, people) if files.rom else None,
        vsk=_path(files.vsk, folder, people) if files.vsk else None,
        recordings=tuple(_files(one, folder, people) for one in files.recordings),
    )


def _files(files: RawRecording, folder: Path, people: Pseudonyms) -> RawRecording:
    def named(path: Path | None) -> Path | None:
        return _path(path, folder, people) if path is not None else None

    return replace(
        files,
        video=named(files.video),
        frames_csv=named(files.frames_csv),
        audio=named(files.audio),
        keypoints=named(files.keypoints),
    )


def _recording(one: RecordingResult, folder: Path, people: Pseudonyms) -> RecordingResult:
    seen = one.keypoints
    return replace(
        one,
        files=_files(one.files, folder, people),
        camera=_camera(one.camera, people) if one.camera is not None else None,
        keypoints=replace(seen, source=people.text(seen.source)) if seen is not None else None,
        notes=_texts(one.notes, people),
        alarms=_texts(one.alarms, people),
    )


def _camera(camera: Camera, people: Pseudonyms) -> Camera:
    return replace(camera, source=people.text(camera.source), notes=_texts(camera.notes, people))


def _path(path: Path, folder: Path, people: Pseudonyms) -> Path:
    return folder / people.text(path.relative_to(folder).as_posix())


def _texts(texts: Sequence[str] | Iterable[str], people: Pseudonyms) -> tuple[str, ...]:
    return tuple(map(people.text, texts))
