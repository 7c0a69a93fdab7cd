"""Reading a capture once and showing each part of it to the checks."""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from viodat.build.checks.devices import take_of
from viodat.build.checks.finding import (
    Check,
    Finding,
    Level,
    Problem,
    RecordingSummary,
    RecordingView,
    SessionView,
    TrialSummary,
    TrialView,
)
from viodat.build.checks.reading import Reader, summary_of_recording, summary_of_trial
from viodat.build.checks.registry import (
    CHECKS,
    FAILED,
    ON_CAPTURE,
    ON_PARTICIPANT,
    ON_RECORDING,
    ON_SESSION,
    ON_TAKE,
    ON_TRIAL,
    CheckReport,
)
from viodat.build.raw import RawCapture, open_raw
from viodat.capture.markers import Movie
from viodat.capture.spelling import did_you_mean
from viodat.errors import ConfigError, ViodatWarning, counted


def check_capture(
    folder: str | Path,
    config: str | Path | None = None,
    progress: Callable[[int, int, str], None] = lambda done, total, what: None,
) -> CheckReport:
    """Run every check over a raw capture.

    A check that fails by itself, through a fault of its own, is a finding that names it; all others still run.

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
    with warnings.catch_warnings():
        # What a reader would warn of, the checks say with their own words.
        warnings.simplefilter("ignore", ViodatWarning)
        found = _all_findings(raw, progress)
    order = list(Level)
    found.sort(key=lambda finding: (order.index(finding.level), finding.check, finding.where))
    ignored = [(finding, reason) for finding in found if (reason := _ignored(raw, finding))]
    kept = [finding for finding in found if not _ignored(raw, finding)]
    return CheckReport(_understood(raw), tuple(kept), tuple(ignored))


def _all_findings(raw: RawCapture, progress: Callable[[int, int, str], None]) -> list[Finding]:
    layout, reader = raw.layout, Reader(raw)
    total, done = len(layout.trials) + len(layout.recordings), 0
    found = [*_findings(ON_CAPTURE, raw, "the capture")]
    trials: list[TrialSummary] = []
    recordings: list[RecordingSummary] = []
    for participant in layout.participants:
        first: TrialView | None = None
        for files in (trial for trial in layout.trials if trial.participant == participant):
            view = reader.trial(files)
            first = view if first is None or (first.joints is None and view.joints is not None) else first
            found += _findings(ON_TRIAL, view, files.id)
            trials += [summary] if (summary := summary_of_trial(view)) is not None else []
            progress(done := done + 1, total, files.id)
            views: list[RecordingView] = []
            for recording in files.recordings:
                views.append(reader.recording(recording, *_of_markers(view)))
                found += _findings(ON_RECORDING, views[-1], recording.id)
                recordings.append(summary_of_recording(views[-1]))
                progress(done := done + 1, total, recording.id)
            if views:
                found += _of_take(view, views)
        if first is not None:
            found += _findings(ON_PARTICIPANT, reader.participant(first), participant)
    known = {trial.id for trial in layout.trials}
    for recording in (item for item in layout.recordings if item.trial not in known):
        alone = reader.recording(recording, None, ())
        found += _findings(ON_RECORDING, alone, recording.id)
        recordings.append(summary_of_recording(alone))
        progress(done := done + 1, total, recording.id)
    found += _findings(ON_SESSION, SessionView(raw, tuple(trials), tuple(recordings)), "the capture")
    return found


def _of_markers(view: TrialView) -> tuple[tuple[float, float] | None, tuple[Movie, ...]]:
    """When a trial's markers begin and end, mocap clock, and the movies that their file names."""
    if view.inputs is None or not view.inputs.markers.n_frames:
        return None, ()
    times = view.inputs.markers.times_s
    return (float(times[0]), float(times[-1])), view.inputs.markers.movies


def _of_take(view: TrialView, recordings: list[RecordingView]) -> Iterator[Finding]:
    try:
        together = take_of(view, recordings)
    except Exception as error:
        yield _failed("the comparison of its devices", view.files.id, error)
        return
    yield from _findings(ON_TAKE, together, view.files.id)


def _findings(checks: Iterable[Check[Any]], view: object, where: str) -> Iterator[Finding]:
    for check in checks:
        try:
            problems = list(check.find(view))
        except Exception as error:
            yield _failed(f"the check {check.id}", where, error)
            continue
        for problem in problems:
            yield _finding(check, problem)


def _failed(what: str, where: str, error: Exception) -> Finding:
    told = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
    return _finding(FAILED, Problem(where, f"{what} could not finish: {told}"))


def _finding(check: Check[Any], problem: Problem) -> Finding:
    mend = problem.mend or check.mend
    return Finding(check.id, check.level, problem.where, problem.problem, check.why, mend, problem.value, problem.limit)


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
