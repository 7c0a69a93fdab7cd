"""What was recorded, told from the names of the files under --raw: trials, recordings, what is missing.

Nothing is opened but participants.csv, and nothing is written. Ids are the published ones: trial ``P05T28``,
recording ``P05C01T28``. What a file is, the patterns in capture.toml [files] say; what no pattern explains is
listed with the reason, so that a misnamed file is seen before any work is done.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from viodat.capture.claims import ClaimedFiles, claim_files
from viodat.capture.config import CONFIG_NAME, CaptureConfig, FilesTable
from viodat.capture.config_sync import SyncMethod
from viodat.capture.layout_gaps import find_missing
from viodat.capture.near_miss import near_miss
from viodat.capture.participants import Participant, overlay, read_participants
from viodat.capture.patterns import Rule
from viodat.capture.raw import Missing, RawRecording, RawTrial, Unmatched
from viodat.capture.spelling import shown
from viodat.capture.walk import Listing, list_files, with_writable_names
from viodat.errors import ConfigError

_EXAMPLE: Final = """
  participants.csv
  calibration/room.toml
  P05/P05_static.c3d
  P05/P05T28.c3d
  P05/P05C01T28.mp4"""

_ROLES: Final = tuple(FilesTable.model_fields)
_MOST_EXPLAINED = 300
"""Of so many unexplained files the reason is looked for; a folder with more is another folder."""


@dataclass(frozen=True)
class CaptureLayout:
    """All that lies below one raw folder, understood.

    Attributes
    ----------
    raw
        The folder.
    participants
        Those who have a trial, by id, with all that participants.csv and capture.toml say of them.
    trials, recordings
        By id. A recording whose trial is missing is in ``recordings``, and in no trial.
    calibration
        Calibration files.
    missing
        What is expected from what else is there, and absent.
    unmatched
        Files that no pattern explains.
    notes
        What participants.csv and capture.toml state differently.
    """

    raw: Path
    participants: Mapping[str, Participant]
    trials: tuple[RawTrial, ...]
    recordings: tuple[RawRecording, ...]
    calibration: tuple[Path, ...]
    missing: tuple[Missing, ...]
    unmatched: tuple[Unmatched, ...]
    notes: tuple[str, ...] = ()

    @classmethod
    def scan(cls, raw: Path, config: CaptureConfig | None = None, sync: SyncMethod | None = None) -> CaptureLayout:
        """Find out what was recorded.

        Parameters
        ----------
        raw
            The folder.
        config
            Of the recordings; None for the defaults.
        sync
            How clocks are found, if not as ``config`` says.

        Raises
        ------
        ConfigError
            If there is no folder or no trial, two files claim one place, one file is claimed twice, an id
            cannot stand in a file name, or participants.csv is wrong.
        """
        config = config or CaptureConfig()
        rules = {role: config.rules(role) for role in _ROLES}
        whole = [rule for role in ("keypoints", "ignore") for rule in rules[role] if rule.pattern.is_folder]
        _check_folder(raw)
        listing = with_writable_names(list_files(raw, lambda f: any(rule.match(f) is not None for rule in whole)))
        if not listing.files:
            raise ConfigError("holds no files", where=raw, mend=f"What is expected, for example:{_EXAMPLE}")
        for path, why in listing.unusable:
            if any(rule.match(path) is not None for rule in rules["participants"]):
                raise ConfigError(f"{path} {why}; it says who agrees to be in the dataset", where=raw)
        claimed = claim_files((*listing.files, *listing.folders), rules)
        unmatched = _unmatched(claimed, listing, config)
        if not claimed.of("trial"):
            raise _no_trial(raw, rules["trial"], listing, unmatched)
        recordings = _recordings(raw, claimed, config)
        trials = _trials(raw, claimed, recordings)
        table = claimed.by_key("participants", ()).get(())
        rows = read_participants(raw / table.path) if table else None
        people, notes = _participants(trials, rows or {}, config)
        _check_splits(config, people)
        calibration = tuple(raw / claim.path for claim in claimed.of("calibration"))
        missing = find_missing(trials, recordings, bool(calibration), rows, config, sync or config.sync.method)
        return cls(raw, people, trials, recordings, calibration, missing, unmatched, notes)


def _check_folder(raw: Path) -> None:
    if not raw.exists():
        raise ConfigError("no such folder; a raw capture was expected", where=str(raw), mend="Correct the path.")
    if not raw.is_dir():
        raise ConfigError("is a file; the folder of the recordings was expected", where=raw)


def _no_trial(raw: Path, rules: tuple[Rule, ...], listing: Listing, unmatched: tuple[Unmatched, ...]) -> ConfigError:
    tried = ", ".join(f"'{rule.pattern.text}'" for rule in rules)
    first = ", ".join(shown(path) for path in listing.files[:5])
    hint = next((f" ({miss.path} {miss.hint})" for miss in unmatched if "[files] trial" in miss.hint), "")
    return ConfigError(
        f"no trial among {len(listing.files):,} files; looked for {tried}; there are {first}"
        f"{' …' if len(listing.files) > 5 else ''}{hint}",
        where=raw,
        mend="Describe your names in capture.toml [files] trial and [ids].",
    )


def _unmatched(claimed: ClaimedFiles, listing: Listing, config: CaptureConfig) -> tuple[Unmatched, ...]:
    regexes = config.ids.regexes()
    rules = {role: config.rules(role) for role in _ROLES}
    found = [Unmatched(path, why) for path, why in listing.unusable]
    unexplained = [path for path in claimed.unclaimed if path != CONFIG_NAME]
    for number, path in enumerate(unexplained):
        found.append(Unmatched(path, near_miss(path, rules, regexes) if number < _MOST_EXPLAINED else ""))
    return tuple(sorted(found, key=lambda miss: miss.path))


def _recordings(raw: Path, claimed: ClaimedFiles, config: CaptureConfig) -> tuple[RawRecording, ...]:
    files: dict[tuple[str, ...], dict[str, Path]] = {}
    for role, slot in (
        ("video", "video"),
        ("frames", "frames_csv"),
        ("audio", "audio"),
        ("keypoints", "keypoints"),
    ):
        for key, claim in claimed.by_key(role, ("participant", "device", "trial")).items():
            files.setdefault(key, {})[slot] = raw / claim.path
    found = [
        RawRecording("".join(key), key[0], key[0] + key[2], key[1], config.ids.kind(key[1]), **slots)
        for key, slots in files.items()
    ]
    _check_unique([recording.id for recording in found])
    return tuple(sorted(found, key=lambda recording: recording.id))


def _trials(raw: Path, claimed: ClaimedFiles, recordings: tuple[RawRecording, ...]) -> tuple[RawTrial, ...]:
    by_trial: dict[str, list[RawRecording]] = {}
    for recording in recordings:
        by_trial.setdefault(recording.trial, []).append(recording)
    own = {role: claimed.by_key(role, ("participant",)) for role in ("static", "rom", "vsk")}
    found = []
    for (participant, trial), claim in claimed.by_key("trial", ("participant", "trial")).items():
        theirs = {
            role: raw / files[(participant,)].path if (participant,) in files else None for role, files in own.items()
        }
        name = participant + trial
        mine = tuple(by_trial.get(name, ()))
        found.append(RawTrial(name, participant, raw / claim.path, **theirs, recordings=mine))
    _check_unique([trial.id for trial in found])
    return tuple(sorted(found, key=lambda trial: trial.id))


def _check_unique(ids: list[str]) -> None:
    seen: dict[str, str] = {}
    for name in ids:
        if name.lower() in seen:
            raise ConfigError(
                f"id {name} stands for two things (other: {seen[name.lower()]})",
                where="capture.toml",
                mend="Give ids that are different when put together, and not in case only ([ids], [files]).",
            )
        seen[name.lower()] = name


def _participants(
    trials: tuple[RawTrial, ...], rows: Mapping[str, Participant], config: CaptureConfig
) -> tuple[dict[str, Participant], tuple[str, ...]]:
    people: dict[str, Participant] = {}
    notes: list[str] = []
    for name in sorted({trial.participant for trial in trials}):
        row, own = rows.get(name), config.participant(name)
        people[name], conflicts = overlay(row or Participant(name), own)
        notes += conflicts
    return people, tuple(notes)


def _check_splits(config: CaptureConfig, people: Mapping[str, Participant]) -> None:
    test, train = config.splits.test, config.splits.train
    for key, names in (("test", test or ()), ("train", train or ())):
        if unknown := [name for name in names if name not in people]:
            raise ConfigError(
                f"[splits] {key} names {', '.join(unknown)}, who has no trial; there are {', '.join(people)}",
                where="capture.toml",
                mend="Correct the id, or leave it out.",
            )
    if train is not None and (left := [name for name in people if name not in train and name not in (test or ())]):
        raise ConfigError(
            f"[splits] {', '.join(left)} is in neither train nor test",
            where="capture.toml",
            mend="Add the id to one, or leave train out: then all who are not in test are trained on.",
        )
