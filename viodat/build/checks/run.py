"""Reading a capture once and showing each part of it to the checks."""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, TypeVar

from viodat.build.checks import capture, recording, trial
from viodat.build.checks.finding import Check, Finding, Level, RecordingView, TrialView
from viodat.build.checks.registry import CHECKS, CheckReport
from viodat.build.joints import chosen_method, frame_by_frame, used_markers
from viodat.build.raw import RawCapture, open_raw
from viodat.build.recording import keypoints_from_file
from viodat.build.stages import read_trial
from viodat.capture.audio import has_audio, read_audio
from viodat.capture.markers import Movie
from viodat.capture.raw import RawRecording, RawTrial
from viodat.capture.spelling import did_you_mean
from viodat.capture.video import read_video_times
from viodat.errors import ConfigError, ViodatError, ViodatWarning, counted

T = TypeVar("T")


def check_capture(
    folder: str | Path,
    config: str | Path | None = None,
    progress: Callable[[int, int, str], None] = lambda done, total, what: None,
) -> CheckReport:
    """Run every check over a raw capture.

    Parameters
    ----------
    folder
        The raw capture.
    config
        capture.toml, if it is not the capture's own.
    progress
        Called with (files done, files in all, what).

    Raises
    ------
    ConfigError
        If the capture cannot be understood at all, or ``[[check.ignore]]`` names a check that does not exist.
    """
    raw = open_raw(Path(folder), Path(config) if config else None)
    _known_ignores(raw)
    parts: list[RawTrial | RawRecording] = [*raw.layout.trials, *raw.layout.recordings]
    known: dict[str, tuple[tuple[float, float], tuple[Movie, ...]]] = {}
    found = [*_findings(capture.CHECKS, raw)]
    with warnings.catch_warnings():
        # What a reader would warn of, the checks say with their own words.
        warnings.simplefilter("ignore", ViodatWarning)
        for done, part in enumerate(parts, 1):
            if isinstance(part, RawTrial):
                view = _trial_view(raw, part)
                if view.inputs is not None and view.inputs.markers.n_frames:
                    times = view.inputs.markers.times_s
                    known[part.id] = ((float(times[0]), float(times[-1])), view.inputs.markers.movies)
                found += _findings(trial.CHECKS, view)
            else:
                found += _findings(recording.CHECKS, _recording_view(raw, part, *known.get(part.trial, (None, ()))))
            progress(done, len(parts), part.id)
    order = list(Level)
    found.sort(key=lambda finding: (order.index(finding.level), finding.check, finding.where))
    ignored = [(finding, reason) for finding in found if (reason := _ignored(raw, finding))]
    kept = [finding for finding in found if not _ignored(raw, finding)]
    return CheckReport(_understood(raw), tuple(kept), tuple(ignored))


def _findings(checks: Iterable[Check[Any]], view: object) -> Iterator[Finding]:
    for check in checks:
        for problem in check.find(view):
            yield Finding(
                check.id,
                check.level,
                problem.where,
                problem.problem,
                check.why,
                problem.mend or check.mend,
                problem.value,
                problem.limit,
            )


def _trial_view(raw: RawCapture, files: RawTrial) -> TrialView:
    inputs = None
    try:
        inputs = read_trial(files, raw)
        markers = used_markers(inputs.markers, raw.config)
        method = chosen_method(raw.config, "auto")
        joints = frame_by_frame(markers, inputs.static, inputs.measurements.values, raw.config, method)
        return TrialView(raw, files, inputs, markers, joints)
    except ViodatError as error:
        return TrialView(raw, files, inputs, error=error)


def _recording_view(
    raw: RawCapture, files: RawRecording, trial_s: tuple[float, float] | None, movies: tuple[Movie, ...]
) -> RecordingView:
    errors: list[ViodatError] = []
    stamps = files.video or files.frames_csv
    times = _try(lambda: read_video_times(stamps) if stamps else None, errors)
    source = files.audio
    if source is None and files.video is not None and times is not None and has_audio(files.video):
        source = files.video
    sound = _try(lambda: read_audio(source, silence=True) if source else None, errors)
    keypoints = _try(lambda: keypoints_from_file(files, times, raw.config) if times else None, errors)
    return RecordingView(raw, files, times, sound, keypoints, trial_s, movies, tuple(errors))


def _try(read: Callable[[], T], errors: list[ViodatError]) -> T | None:
    try:
        return read()
    except ViodatError as error:
        errors.append(error)
        return None


def _known_ignores(raw: RawCapture) -> None:
    for ignore in raw.config.check.ignore:
        if ignore.check not in CHECKS:
            raise ConfigError(
                f"[[check.ignore]] names the check '{ignore.check}', which does not exist",
                where=raw.config_path,
                mend=f"{did_you_mean(ignore.check, sorted(CHECKS), 'checks').capitalize()}.",
            )


def _ignored(raw: RawCapture, finding: Finding) -> str:
    for ignore in raw.config.check.ignore:
        if ignore.check == finding.check and fnmatchcase(finding.where, ignore.where):
            return ignore.reason
    return ""


def _understood(raw: RawCapture) -> tuple[str, ...]:
    layout = raw.layout
    kinds: Counter[str] = Counter(item.kind for item in layout.recordings)
    devices: Sequence[str] = sorted({item.device for item in layout.recordings})
    statics = sum(trial.static is not None for trial in layout.trials)
    return (
        f"configuration: {raw.config_path or 'none, so the default layout'}",
        f"{counted(len(layout.participants), 'participant')}: {', '.join(layout.participants)}",
        f"{counted(len(layout.trials), 'trial')}, {statics} with a static trial",
        f"{counted(kinds['camera'], 'camera recording')}, {counted(kinds['microphone'], 'microphone recording')}"
        + (f" of {', '.join(devices)}; calibrated: {', '.join(sorted(raw.cameras)) or 'none'}" if devices else ""),
    )
