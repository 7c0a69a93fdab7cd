"""One trial: what is known of it at each step, and what its clocks are estimated from.

What a failure costs is decided in :mod:`viodat.build.prepare`; what needs clocks is in :mod:`viodat.build.clocks`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from viodat.audio import SoundDescription
from viodat.build.clock_evidence import trial_evidence
from viodat.build.clock_picture import ClockPicture, clock_picture
from viodat.build.faults import reason_of
from viodat.build.gates import Exclusion
from viodat.build.joined import FromMarkers, Joined
from viodat.build.options import BuildOptions, sync_method
from viodat.build.raw import RawCapture
from viodat.build.recording import RecordingResult
from viodat.build.sound import Described
from viodat.clock import Evidence, TrialClocks, TrialEvidence, gather


@dataclass(frozen=True)
class TrialResult(FromMarkers):
    """What became of one trial: what its markers gave, and the following.

    Attributes
    ----------
    recordings
        Results by recording id, of those that could be read.
    descriptions
        Audio features by recording id.
    best_microphone
        The recording whose pitch was computed; empty without sound.
    evidence
        What its clocks are estimated from; None where they are not, or cannot be.
    clock_fault
        Why they cannot be; else empty.
    clocks
        As estimated, with the evidence; None where they are given, not asked for, or cannot be estimated.
    clock_picture
        What the pages show of them; None where nothing is to be shown.
    exclusions
        What is left out; one without ``recording`` is the trial itself.
    notes
        What was found, handled, or is missing.
    alarms
        Those notes that say that something is probably wrong.
    inputs
        SHA-256 of each raw file, by its path under the raw capture.
    """

    recordings: tuple[RecordingResult, ...] = ()
    descriptions: Mapping[str, SoundDescription] = field(default_factory=dict)
    best_microphone: str = ""
    evidence: Evidence | None = None
    clock_fault: str = ""
    clocks: TrialClocks | None = None
    clock_picture: ClockPicture | None = None
    exclusions: tuple[Exclusion, ...] = ()
    notes: tuple[str, ...] = ()
    alarms: tuple[str, ...] = ()
    inputs: Mapping[str, str] = field(default_factory=dict)

    @property
    def excluded(self) -> bool:
        """Whether the whole trial is left out."""
        return any(exclusion.recording is None for exclusion in self.exclusions)


@dataclass(frozen=True)
class Gathered:
    """What a trial says of its clocks.

    Attributes
    ----------
    evidence
        None where clocks are not estimated, or it cannot be gathered.
    picture
        What the pages show; None where nothing is to be shown.
    fault
        Why there is no evidence; else empty.
    notes
        What was found.
    """

    evidence: Evidence | None = None
    picture: ClockPicture | None = None
    fault: str = ""
    notes: tuple[str, ...] = ()


def with_recordings(
    joined: Joined, recordings: Sequence[RecordingResult], described: Described, exclusions: Sequence[Exclusion]
) -> TrialResult:
    """Put together what is known of a trial before its clocks are."""
    return TrialResult(
        **joined.kept(),
        notes=joined.notes,
        alarms=joined.alarms,
        recordings=tuple(
            replace(one, sound=None).noting(f"it has no audio features: {described.failed[one.files.id]}")
            if one.files.id in described.failed
            else one
            for one in recordings
        ),
        descriptions=described.sounds,
        best_microphone=described.best,
        exclusions=(*joined.exclusions, *exclusions),
    )


def gather_evidence(joined: Joined, result: TrialResult, raw: RawCapture, options: BuildOptions) -> Gathered:
    """Gather what a trial says of its clocks; a failure costs no more than these, one of the picture only that.

    Parameters
    ----------
    joined
        Its markers.
    result
        From :func:`with_recordings`.
    raw, options
        Say where microphones and cameras are, and how clocks are found.
    """
    method = sync_method(raw.config, options.sync)
    if method == "none" or result.excluded or result.joints is None or not result.recordings:
        return Gathered()
    notes: list[str] = []
    picture, evidence = None, None
    try:
        offered = offered_by(joined, result, raw)
    except Exception as error:
        fault = reason_of(error)
        return Gathered(fault=fault, notes=(_not_drawn(fault),))
    try:
        picture = clock_picture(offered)
    except Exception as error:
        notes.append(_not_drawn(reason_of(error)))
    if method != "auto":
        return Gathered(None, picture, notes=tuple(notes))
    try:
        evidence = gather(offered)
        return Gathered(evidence, picture, notes=tuple(notes))
    except Exception as error:
        return Gathered(evidence, picture, fault=reason_of(error), notes=tuple(notes))


def offered_by(joined: Joined, result: TrialResult, raw: RawCapture) -> TrialEvidence:
    """Give what a trial's clocks are estimated from."""
    assert result.joints is not None
    return trial_evidence(
        result.joints, result.fit, joined.filled, joined.marker_set, result.recordings, result.descriptions, raw
    )


def _not_drawn(fault: str) -> str:
    return f"its page has no figures about clocks: {fault}"
