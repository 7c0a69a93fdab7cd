"""What a stage may see of a capture: no more than its result is kept under, so that nothing else can change it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from viodat.build.cache.store import key_of
from viodat.build.raw import RawCapture
from viodat.capture.config import CaptureConfig
from viodat.capture.raw import RawTrial


def view_of(
    raw: RawCapture, files: RawTrial, sections: Sequence[str], *, person: bool = False, cameras: bool = False
) -> RawCapture:
    """Give a capture as one trial's stage may see it.

    Parameters
    ----------
    raw
        The capture.
    files
        The trial.
    sections
        Tables of capture.toml that the stage reads; all others are as if they were not there.
    person
        Whether it reads what is known of the participant.
    cameras
        Whether it reads the calibrations.
    """
    config = CaptureConfig().model_copy(update={name: getattr(raw.config, name) for name in sections})
    if "sync" in sections:
        own = {recording.id for recording in files.recordings}
        sync = config.sync.model_copy(
            update={
                "recordings": {name: known for name, known in config.sync.recordings.items() if name in own},
                "timecode": {name: code for name, code in config.sync.timecode.items() if name == files.id},
            }
        )
        config = config.model_copy(update={"sync": sync})
    if person:
        people = {name: known for name, known in raw.config.participants.items() if name == files.participant}
        config = config.model_copy(update={"participants": people})
    devices = {recording.device for recording in files.recordings} if cameras else set()
    layout = replace(
        raw.layout,
        participants={files.participant: raw.layout.participants[files.participant]} if person else {},
        trials=(files,),
        recordings=files.recordings,
        calibration=(),
        missing=(),
        unmatched=(),
        notes=(),
    )
    return replace(
        raw,
        config=config,
        layout=layout,
        cameras={name: camera for name, camera in raw.cameras.items() if name in devices},
        calibration_ids={name: known for name, known in raw.calibration_ids.items() if name in devices},
        notes=(),
    )


def whole_view_of(raw: RawCapture, files: RawTrial) -> RawCapture:
    """Give all of a capture that is about one trial."""
    return view_of(raw, files, tuple(CaptureConfig.model_fields), person=True, cameras=True)


def parts_of(view: RawCapture) -> dict[str, Any]:
    """Give all that a view shows, by name, as plain values: what a result depends on."""
    tables = view.config.model_dump(mode="json", exclude_defaults=True)
    return {
        **{f"capture.toml [{name}]": table for name, table in tables.items() if table != {}},
        **{f"participant {name}": asdict(person) for name, person in view.layout.participants.items()},
        **{f"camera {name}": camera.to_dict() for name, camera in view.cameras.items()},
    }


def files_read(files: RawTrial) -> tuple[Path, ...]:
    """Give the raw files of a trial and its recordings, folders of keypoints as the files in them."""
    used = [files.marker_file, files.static, files.rom, files.vsk]
    for recording in files.recordings:
        used += [recording.video, recording.frames_csv, recording.audio, recording.keypoints]
    found: list[Path] = []
    for path in used:
        if path is not None:
            found += sorted(part for part in path.rglob("*") if part.is_file()) if path.is_dir() else [path]
    return tuple(dict.fromkeys(found))


def digest_parts(raw: RawCapture, digests: Mapping[Path, str], *paths: Path | None) -> dict[str, str]:
    """Give digests of files by their path below the capture; a folder has one for all that is in it."""
    found = {}
    for path in paths:
        if path is not None:
            held = digests.get(path) or key_of({_name(path, part): digests[part] for part in files_in(digests, path)})
            found[_name(raw.folder, path)] = held
    return found


def files_in(digests: Mapping[Path, str], *paths: Path | None) -> list[Path]:
    """Give those files of known digest that are one of the paths or lie below it."""
    found: list[Path] = []
    for path in paths:
        if path is None:
            continue
        if path in digests:
            found.append(path)
        else:
            found += [part for part in digests if path in part.parents]
    return found


def _name(folder: Path, path: Path) -> str:
    return path.relative_to(folder).as_posix()
