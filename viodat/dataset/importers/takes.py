"""Published takes become trials: people and takes get ids, and what cannot be read costs its own trial or recording.

An importer lists what was published as :class:`Take` values, and each writes itself through a :class:`TrialWriter`.
Published names become P01, P02 ... in their order, and each person's takes T01, T02 ...; the names stay in the notes
and in the columns of files.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from viodat.capture.config import CaptureConfig, find_config, load_config
from viodat.dataset import schema
from viodat.dataset.importers.card import About
from viodat.dataset.importers.foreign_text import plain
from viodat.dataset.importers.options import Imported, ImportOptions, Progress
from viodat.dataset.importers.output import Output
from viodat.dataset.importers.trial_writer import TrialWriter
from viodat.dataset.splits import TEST, Splits, assign_splits
from viodat.errors import CaptureError, ConfigError, DatasetError

CONTENTS: Final = (
    ("`participants.parquet`, `trials.parquet`, `recordings.parquet`", "participant, trial, recording", "as named"),
    ("`cameras.parquet`", "", "empty: there are no cameras"),
    ("`exclusions.parquet`", "thing left out", "stage, reason, the number behind it and its limit"),
)
_MOTION: Final = (
    "`motion/`",
    "frame of the published markers",
    "`trial`, `time_ns`, `joints_mm` [18x3], `valid` [18]",
)
_SOUND: Final = (
    (
        "`audio/`",
        "10 ms of sound",
        "`trial`, `recording`, `time_ns`, `device_time_ns`, `features` [35], `log_mel_db` [128]",
    ),
    ("`waveform/`", "", "the published sound at its own rate, FLAC"),
    (
        "`annotations/`",
        "thing that was annotated",
        "`trial`, `recording`, `kind`, `start_ns`, `end_ns`, `value`, `text`, `source`",
    ),
)


def contents(*, motion: bool) -> tuple[tuple[str, str, str], ...]:
    """Give the rows of the card's table of files."""
    return (*CONTENTS, *([_MOTION] if motion else []), *_SOUND)


@dataclass(frozen=True)
class Take:
    """One published take.

    Attributes
    ----------
    person
        Published name of who plays, or what stands for them: takes of one person never cross a split.
    name
        Published name of the take.
    write
        Reads it and writes it. A CaptureError costs the trial.
    """

    person: str
    name: str
    write: Callable[[TrialWriter], None]


def write_takes(
    about: About,
    takes: Sequence[Take],
    source: Path,
    folder: Path,
    options: ImportOptions,
    progress: Progress,
    notes: Sequence[str] = (),
) -> Imported:
    """Write published takes as a dataset.

    Parameters
    ----------
    about
        Whose they are.
    takes
        One or more.
    source
        The published folder.
    folder
        An empty folder; the manifest is written last.
    options
        Rates of the audio frame, capture.toml.
    progress
        Called after each trial.
    notes
        What was found while listing them.

    Raises
    ------
    ConfigError
        If capture.toml is wrong, or names people who are not there.
    DatasetError
        If not one take can be imported.
    """
    config = CaptureConfig() if options.config is None else load_config(find_config(source, options.config))
    people = {person: f"P{number:02d}" for number, person in enumerate(sorted({take.person for take in takes}), 1)}
    by_trial = dict(_numbered(takes, people))
    splits = _splits(by_trial, people, config)
    out = Output(folder, splits)
    said = [*notes, "participants: " + ", ".join(f"{number} is {person}" for person, number in people.items())]
    said += splits.notes
    if TEST not in splits.participants.values():
        said.append("no test participants: all trials are in training or validation; a capture.toml with [splits] "
                    "test, given with --config, names some by their published names")  # fmt: skip
    inputs: dict[str, str] = {}
    for done, (trial, take) in enumerate(by_trial.items(), 1):
        writer = TrialWriter(out, trial, source, inputs, options, config)
        writer.notes.append(f"published as {take.name}")
        try:
            take.write(writer)
        except CaptureError as error:
            out.exclude(trial, None, "import", f"{take.name}: {error}")
        writer.close()
        progress(done, len(by_trial), trial)
    if not any(row["status"] == schema.STATUS_BUILT for row in out.trials):
        reasons = dict.fromkeys(row["reason"] for row in out.exclusions)
        raise DatasetError(f"not one take can be imported: {'; '.join(list(reasons)[:3])}", where=source)
    asked = {"audio_rates_hz": list(options.rates_hz)}
    return out.finish(about, asked, options.rates_hz, dict(sorted(inputs.items())), [plain(note) for note in said])


def _numbered(takes: Sequence[Take], people: Mapping[str, str]) -> list[tuple[str, Take]]:
    """Give the takes with their trial ids, in the order of these."""
    found = []
    for person, number in people.items():
        own = sorted((take for take in takes if take.person == person), key=lambda take: take.name)
        found += [(f"{number}T{count:02d}", take) for count, take in enumerate(own, 1)]
    return found


def _splits(by_trial: Mapping[str, Take], people: Mapping[str, str], config: CaptureConfig) -> Splits:
    """Assign the splits that capture.toml asks for by published names; without a word of it nobody is tested."""
    table = config.splits
    if unknown := sorted({*(table.test or ()), *(table.train or ())} - set(people)):
        raise ConfigError(
            f"[splits] names {', '.join(unknown)}, who has no take; there are {', '.join(people)}",
            where="capture.toml",
            mend="Use the published names.",
        )
    return assign_splits(
        ((trial, people[take.person]) for trial, take in by_trial.items()),
        test=[people[name] for name in table.test or ()] if table.test is not None or table.train is None else None,
        train=None if table.train is None else [people[name] for name in table.train],
        validation=table.validation,
    )
