"""The splits of a built dataset, checked again from its files: dataset.json is believed in nothing that they tell.

Trials and splits are those of trials.parquet; fingerprints and statistics are computed anew from the streams; every
file must stand in the folder of its trial's split and participant, and say that it is of that trial.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq

from viodat.dataset.certificate import Certificate, certify
from viodat.dataset.reader import VioDataset
from viodat.dataset.sketches import TrialSketch, sketch_trial

_STREAM: Final = re.compile(r"split=(?P<split>[^/]+)/participant=(?P<participant>[^/]+)/(?P<name>[^/]+)\.parquet")
_WORDS: Final = {"True": "holds", "False": "does not hold", "None": "not known"}
_STREAMS: Final = ("motion", "video", "audio", "audio30", "audio300", "annotations")


@dataclass(frozen=True)
class SplitCheck:
    """What the files of a dataset say of its splits.

    Attributes
    ----------
    certificate
        As they give it; None where they cannot be read.
    errors
        Sentences: what breaks a statement that must hold, files in a wrong place, and what dataset.json says otherwise.
    notes
        Sentences: what cannot be known or may be meant so.
    """

    certificate: Certificate | None
    errors: tuple[str, ...]
    notes: tuple[str, ...]

    @property
    def ok(self) -> bool:
        """Whether there is no error."""
        return not self.errors

    def to_json(self) -> dict[str, Any]:
        """Give all of it as plain values."""
        certificate = self.certificate.to_json() if self.certificate is not None else None
        return {"ok": self.ok, "errors": list(self.errors), "notes": list(self.notes), "certificate": certificate}


def check_splits(dataset: VioDataset, progress: Callable[[int, int, str], None] | None = None) -> SplitCheck:
    """Check the splits of a dataset from its files.

    Parameters
    ----------
    dataset
        The dataset.
    progress
        Called with (trials done, trials in all, trial) after each trial.

    Raises
    ------
    DatasetError
        If a table or stream is missing or damaged.
    """
    trials, recordings = dataset.rows("trials"), dataset.rows("recordings")
    errors = list(_misplaced(dataset.path, trials, recordings))
    sketches: dict[str, TrialSketch] = {}
    for done, row in enumerate(trials, 1):
        own = [recording for recording in recordings if recording["trial"] == row["trial"]]
        sketches[row["trial"]] = sketch_trial(dataset.path, row, own, dataset.info["schema_version"])
        if progress:
            progress(done, len(trials), row["trial"])
    found = certify(trials, sketches, dataset.info.get("statistics"))
    errors += found.broken
    notes = list(found.doubts)
    stored = dataset.info.get("certificate")
    if stored is None:
        notes.append("dataset.json has no certificate to compare with")
    else:
        errors += _contradictions(found, stored)
    return SplitCheck(found, tuple(errors), tuple(notes))


def _contradictions(found: Certificate, stored: Mapping[str, Any]) -> Iterator[str]:
    """Tell where dataset.json's certificate says something else than the files."""
    if stored.get("trials_sha256") != found.trials_sha256:
        yield "dataset.json certifies other trials or splits than trials.parquet has"
    said = stored.get("statements")
    for name, statement in found.statements.items():
        one = said.get(name) if isinstance(said, dict) else None
        holds = one.get("holds", "") if isinstance(one, dict) else ""
        if holds is not statement.holds:
            yield (
                f"dataset.json says of {name}: {_WORDS.get(repr(holds), 'nothing')}; the files say: "
                + _WORDS[repr(statement.holds)]
            )


def _misplaced(folder: Path, trials: list[dict[str, Any]], recordings: list[dict[str, Any]]) -> Iterator[str]:
    """Tell which streams stand where their trial does not, or say that they are of another trial."""
    places = {row["trial"]: (row["split"], row["participant"]) for row in trials}
    owner = {**{name: name for name in places}, **{row["recording"]: row["trial"] for row in recordings}}
    for row in recordings:
        if (row["split"], row["participant"]) != places.get(row["trial"]):
            yield f"recording {row['recording']} has another split or participant than its trial {row['trial']}"
    for stream in _STREAMS:
        for path in sorted((folder / stream).rglob("*.parquet")):
            place = path.relative_to(folder / stream).as_posix()
            found = _STREAM.fullmatch(place)
            trial = owner.get(found["name"]) if found else None
            if found is None or trial is None:
                yield f"{stream}/{place} belongs to no trial of trials.parquet"
            elif (found["split"], found["participant"]) != places.get(trial):
                split, person = places.get(trial, ("?", "?"))
                yield f"{stream}/{place}: trials.parquet has {trial} in split {split}, participant {person}"
            elif (said := _said(path)) not in (None, trial):
                yield f"{stream}/{place} holds rows of trial {said}"


def _said(path: Path) -> str | None:
    """Give a trial that a stream's rows name, from the file's own statistics; None where it has none."""
    try:
        with pq.ParquetFile(path) as file:
            column = file.schema_arrow.get_field_index("trial")
            groups = [file.metadata.row_group(i).column(column).statistics for i in range(file.num_row_groups)]
    except (OSError, pa.ArrowException, ValueError):
        # A file that cannot be read is told by the comparison with the manifest.
        return None
    ends = {str(end) for one in groups if one is not None and one.has_min_max for end in (one.min, one.max)}
    return " and ".join(sorted(ends)) or None
