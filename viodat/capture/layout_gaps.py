"""What is absent from a capture though the rest of it lets one expect it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from viodat.capture.config import CONFIG_NAME, CaptureConfig
from viodat.capture.config_sync import SyncMethod
from viodat.capture.raw import Missing, RawRecording, RawTrial


def find_missing(
    trials: Sequence[RawTrial],
    recordings: Sequence[RawRecording],
    has_calibration: bool,
    rows: Collection[str] | None,
    config: CaptureConfig,
    sync: SyncMethod,
) -> tuple[Missing, ...]:
    """Find what is absent.

    Parameters
    ----------
    trials, recordings
        What is there.
    has_calibration
        Whether there is any calibration file.
    rows
        Participants in participants.csv; None where there is no such file, which is no fault.
    config
        Of the capture.
    sync
        How clocks are found: offsets are missed only where they are to be the clocks.
    """
    return (
        *_calibration(recordings, has_calibration, config),
        *_participants(trials, rows, config),
        *_statics(trials, config),
        *_devices_of_trials(trials, config),
        *_parts_of_recordings(trials, recordings),
        *(_offsets(recordings, config) if sync == "given" else ()),
        *(
            Missing("device", CONFIG_NAME, f"{one.table} names {one.name}, and there is no recording of it")
            for one in unknown_names(trials, recordings, config)
        ),
    )


def _calibration(recordings: Sequence[RawRecording], has_calibration: bool, config: CaptureConfig) -> Iterator[Missing]:
    cameras = sorted({recording.device for recording in recordings if recording.kind == "camera"})
    if cameras and not has_calibration:
        expected = _expected("calibration", {}, config)
        yield Missing(
            "calibration",
            ", ".join(cameras),
            f"no calibration file{expected}: no pose in camera frames or pixels",
        )


def _participants(trials: Sequence[RawTrial], rows: Collection[str] | None, config: CaptureConfig) -> Iterator[Missing]:
    there = {trial.participant for trial in trials}
    for name in sorted(set(rows or ()) - there):
        yield Missing("trial", name, "is in participants.csv, and there is no trial of this participant")
    for name in sorted(set(config.participants) - there):
        yield Missing("trial", name, f"is in {CONFIG_NAME} [participants], and there is no trial of this participant")
    if rows is not None:
        for name in sorted(there - set(rows) - set(config.participants)):
            yield Missing("participant", name, "has trials, and no row in participants.csv")


def _statics(trials: Sequence[RawTrial], config: CaptureConfig) -> Iterator[Missing]:
    if not config.files.static:
        return
    for participant in sorted({trial.participant for trial in trials if trial.static is None}):
        expected = _expected("static", {"participant": participant}, config)
        yield Missing("static", participant, f"no static trial{expected}")


def _devices_of_trials(trials: Sequence[RawTrial], config: CaptureConfig) -> Iterator[Missing]:
    """Devices of the participant's other trials, and those that every trial of all others has."""
    everyone = Counter(r.device for trial in trials for r in trial.recordings)
    counts = {
        person: Counter(r.device for trial in trials if trial.participant == person for r in trial.recordings)
        for person in {trial.participant for trial in trials}
    }
    takes = Counter(trial.participant for trial in trials)
    for trial in trials:
        own, others = counts[trial.participant], len(trials) - takes[trial.participant]
        common = {d for d in everyone if others and everyone[d] - own[d] == others}
        expected = (set(own) | common) - {recording.device for recording in trial.recordings}
        for device in sorted(expected):
            role = "video" if config.ids.kind(device) == "camera" else "audio"
            fields = {
                "participant": trial.participant,
                "device": device,
                "trial": trial.id.removeprefix(trial.participant),
            }
            where = _expected(role, fields, config)
            yield Missing("recording", trial.id, f"no recording by {device}, which other trials have{where}")


def _parts_of_recordings(trials: Sequence[RawTrial], recordings: Sequence[RawRecording]) -> Iterator[Missing]:
    known = {trial.id for trial in trials}
    for recording in recordings:
        if recording.trial not in known:
            yield Missing("trial", recording.id, f"there is no marker file of trial {recording.trial}")
        if recording.kind == "camera" and recording.video is None and recording.frames_csv is None:
            yield Missing("frames", recording.id, "neither video nor frame stamps: no time of any picture is known")
        if recording.kind == "microphone" and recording.audio is None:
            yield Missing("recording", recording.id, "a microphone without sound file")


def _offsets(recordings: Sequence[RawRecording], config: CaptureConfig) -> Iterator[Missing]:
    for recording in recordings:
        if config.sync.given_offset(recording.id, recording.device) is None:
            yield Missing(
                "offset",
                recording.id,
                f"no offset in {CONFIG_NAME} [sync]: write offset_s = {{{recording.device} = …}}",
            )


@dataclass(frozen=True)
class UnknownName:
    """A name in capture.toml that nothing recorded has, most often a typing mistake.

    Attributes
    ----------
    table, keys
        Where it stands, for people and as keys.
    name
        The name.
    known, what
        Names that there are, sorted, and what they are of: ``device``, ``recording`` or ``trial``.
    """

    table: str
    keys: tuple[str, ...]
    name: str
    known: tuple[str, ...]
    what: str


def unknown_names(
    trials: Sequence[RawTrial], recordings: Sequence[RawRecording], config: CaptureConfig
) -> Iterator[UnknownName]:
    """Find the names in capture.toml that nothing recorded has."""
    there = {
        "device": tuple(sorted({recording.device for recording in recordings})),
        "recording": tuple(recording.id for recording in recordings),
        "trial": tuple(trial.id for trial in trials),
    }
    microphone = config.audio.best_microphone
    named: tuple[tuple[str, tuple[str, ...], Collection[str], str], ...] = (
        ("[sync] offset_s", ("sync", "offset_s"), config.sync.offset_s, "device"),
        ("[sync.recordings]", ("sync", "recordings"), config.sync.recordings, "recording"),
        ("[sync.timecode]", ("sync", "timecode"), config.sync.timecode, "trial"),
        ("[microphones]", ("microphones",), config.microphones, "device"),
        ("[cameras] ids", ("cameras", "ids"), config.cameras.ids, "device"),
        ("[audio] best_microphone", ("audio", "best_microphone"), [microphone] if microphone else [], "device"),
    )
    for table, keys, names, what in named:
        for name in sorted(set(names) - set(there[what])):
            yield UnknownName(table, (*keys, name), name, there[what], what)


def _expected(role: str, fields: dict[str, str], config: CaptureConfig) -> str:
    rules = config.rules(role)
    return f" (expected {rules[0].example(fields)})" if rules else ""
