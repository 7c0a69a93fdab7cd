"""What checks look at: each file of a capture is read once, and what was read is gathered into views."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TypeVar

import numpy as np

from viodat.build.checks.finding import (
    ParticipantView,
    RecordingSummary,
    RecordingView,
    TrialSummary,
    TrialView,
)
from viodat.build.joints import chosen_method, frame_by_frame, used_markers
from viodat.build.keypoints import keypoints_from_file
from viodat.build.raw import RawCapture
from viodat.build.reading import read_markers, read_trial
from viodat.capture.audio import has_audio, read_audio
from viodat.capture.markers import MarkerTrial, Movie
from viodat.capture.raw import RawRecording, RawTrial
from viodat.capture.video import read_video_times
from viodat.errors import ViodatError

T = TypeVar("T")


@dataclass(eq=False)
class Reader:
    """Reads a capture's files, those that serve many trials only once."""

    raw: RawCapture
    _known: dict[Path, MarkerTrial | ViodatError] = field(default_factory=dict)

    def trial(self, files: RawTrial) -> TrialView:
        """Read a trial's markers and what stands beside them, and compute its joints frame by frame."""
        inputs = None
        try:
            inputs = read_trial(replace(files, static=None, rom=None), self.raw)
            beside: dict[str, MarkerTrial | None] = {}
            unread: list[tuple[Path, ViodatError]] = []
            for name, path in (("static", files.static), ("rom", files.rom)):
                found = inputs.markers if path == files.marker_file else self._beside(path)
                beside[name] = found if isinstance(found, MarkerTrial) else None
                if path is not None and isinstance(found, ViodatError):
                    unread.append((path, found))
            inputs = replace(inputs, static=beside["static"], rom=beside["rom"], unread=(*unread, *inputs.unread))
            markers = used_markers(inputs.markers, self.raw.config)
            method = chosen_method(self.raw.config, "auto")
            joints = frame_by_frame(markers, inputs.static, inputs.measurements.values, self.raw.config, method)
            return TrialView(self.raw, files, inputs, markers, joints)
        except ViodatError as error:
            return TrialView(self.raw, files, inputs, error=error)

    def participant(self, trial: TrialView) -> ParticipantView:
        """Gather what there is of a participant; ``trial`` is one of theirs, readable if any is."""
        files = trial.files
        static, rom = (self._beside(path) for path in (files.static, files.rom))
        return ParticipantView(
            self.raw,
            self.raw.layout.participants[files.participant],
            static if isinstance(static, MarkerTrial) else None,
            rom if isinstance(rom, MarkerTrial) else None,
            trial,
        )

    def recording(
        self, files: RawRecording, trial_s: tuple[float, float] | None, movies: tuple[Movie, ...]
    ) -> RecordingView:
        """Read a recording's stamps, sound and keypoints."""
        errors: list[ViodatError] = []
        stamps = files.video or files.frames_csv
        times = _try(lambda: read_video_times(stamps) if stamps else None, errors)
        source = files.audio
        if source is None and files.video is not None and times is not None and has_audio(files.video):
            source = files.video
        sound = _try(lambda: read_audio(source, silence=True) if source else None, errors)
        keypoints = _try(lambda: keypoints_from_file(files, times, self.raw.config) if times else None, errors)
        return RecordingView(self.raw, files, times, sound, keypoints, trial_s, movies, tuple(errors))

    def _beside(self, path: Path | None) -> MarkerTrial | ViodatError | None:
        if path is None:
            return None
        if path not in self._known:
            try:
                self._known[path] = read_markers(path, self.raw.config)
            except ViodatError as error:
                self._known[path] = error
        return self._known[path]


def summary_of_trial(view: TrialView) -> TrialSummary | None:
    """Remember a trial that could be read."""
    if view.markers is None or not view.markers.n_frames:
        return None
    # To 0.1 mm: exported again, a file has the same motion in other bytes.
    motion = np.round(np.nan_to_num(view.markers.positions_mm, nan=-1e6), 1) + 0.0
    print_ = hashlib.sha256(np.ascontiguousarray(motion, dtype=np.float32).tobytes()).hexdigest()
    return TrialSummary(view.files.id, view.markers.rate_hz, print_ if view.markers.valid.any() else "")


def summary_of_recording(view: RecordingView) -> RecordingSummary:
    """Remember a recording."""
    times, sound = view.times, view.sound
    rate = 1 / float(np.median(np.diff(times.times_s))) if times is not None and times.n_frames > 1 else None
    return RecordingSummary(
        view.files.id,
        view.files.device,
        rate,
        sound.rate_hz if sound is not None else None,
        times.size_px if times is not None else None,
    )


def _try(read: Callable[[], T], errors: list[ViodatError]) -> T | None:
    try:
        return read()
    except ViodatError as error:
        errors.append(error)
        return None
