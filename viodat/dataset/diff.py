"""Two built datasets side by side: what only one has, what changed its standing and why, which numbers moved how far.

``diff_datasets`` reads dataset.json, the tables and, trial by trial, the streams of both; a file whose bytes are the
same in both is not decoded. What it finds comes back as values, in mm, px, ms and so on, ``b`` against ``a``.
Differences in how the two were made (:data:`NOT_COUNTED`) are told, for they say why numbers differ, but do not make
two datasets different that hold the same.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final

from numpy.typing import NDArray

from viodat.dataset import paths, schema
from viodat.dataset.diff_clocks import ClockChange
from viodat.dataset.diff_streams import (
    COLUMNS,
    ColumnChange,
    ColumnSummary,
    Read,
    RowsChange,
    Totals,
    compare_stream,
)
from viodat.dataset.diff_tables import NOTES, OnlyIn, RowChange, StandingChange, Tables, Versions, compare_tables
from viodat.dataset.diff_values import FieldChange, Tolerances, changes
from viodat.dataset.diff_waveforms import WAVEFORM, compare_waveforms
from viodat.dataset.reader import VioDataset
from viodat.errors import DatasetError
from viodat.files import sha256

__all__ = [
    "NOT_COUNTED",
    "ClockChange",
    "ColumnChange",
    "ColumnSummary",
    "Difference",
    "FieldChange",
    "OnlyIn",
    "RowChange",
    "RowsChange",
    "StandingChange",
    "Tolerances",
    "diff_datasets",
]

_MADE: Final = ("viodat_version", "options", "config", "inputs_sha256")

NOT_COUNTED: Final[dict[str, str]] = {
    "dataset.json viodat_version": "another version that writes the same has made the same dataset",
    "dataset.json options": "how it was made; what follows from it stands in the tables and streams",
    "dataset.json config": "how it was made; what follows from it stands in the tables and streams",
    "dataset.json inputs_sha256": "how it was made; a comment in a raw file changes it",
    NOTES: "sentences for people, in trials, recordings and cameras: their wording comes with the version",
    "annotations/": "as published; inputs_sha256 tells where other files were imported; not read",
    "manifest.json": "digests of the other files; not read",
    "README.md": "made from the tables, with the version in it; not read",
    "reports/": "made from the streams, with the version in it; not read",
}
"""What may differ between datasets that are the same, and why it does not count. All but the last four are told."""

Progress = Callable[[int, int, str], None]


@dataclass(frozen=True)
class Difference:
    """What :func:`diff_datasets` found.

    Attributes
    ----------
    a, b
        The folders.
    tolerances
        Differences up to these are none.
    schema_versions
        Of the two; different ones count.
    not_compared
        What was left out because one of the two does not have it or means something else by it, as sentences.
    made
        How differently they were made: version, options, capture.toml, inputs. Told, not counted.
    about
        What else of dataset.json differs: name, licence, citation, rates ...
    only
        Rows of tables that only one has.
    standings
        Trials and recordings with another status or split. Of one that is excluded in only one of the two nothing
        else is compared.
    fields
        All other values of tables that differ, but for clocks.
    clocks
        Clocks of recordings that differ.
    rows
        Rows of streams that only one has.
    streams
        Columns of streams that differ, one item per trial or recording.
    summary
        The same per column, over all trials or recordings in which it differs.
    trials, recordings
        How many are in both.
    """

    a: str
    b: str
    tolerances: Tolerances
    schema_versions: tuple[str, str]
    not_compared: tuple[str, ...]
    made: tuple[FieldChange, ...]
    about: tuple[FieldChange, ...]
    only: tuple[OnlyIn, ...]
    standings: tuple[StandingChange, ...]
    fields: tuple[RowChange, ...]
    clocks: tuple[ClockChange, ...]
    rows: tuple[RowsChange, ...]
    streams: tuple[ColumnChange, ...]
    summary: tuple[ColumnSummary, ...]
    trials: int
    recordings: int

    @property
    def same(self) -> bool:
        """Whether nothing differs that counts."""
        version_a, version_b = self.schema_versions
        found = (self.about, self.only, self.standings, self.clocks, self.rows, self.streams)
        return version_a == version_b and not any(found) and not any(item.change.counts for item in self.fields)

    def to_json(self) -> dict[str, Any]:
        """Give all of it as plain values; NaN stays NaN."""
        return {"same": self.same, **asdict(self), "not_counted": dict(NOT_COUNTED)}


def diff_datasets(
    a: VioDataset, b: VioDataset, tolerances: Tolerances | None = None, progress: Progress | None = None
) -> Difference:
    """Compare two datasets.

    Parameters
    ----------
    a, b
        The datasets, of any minor versions of the schema: what only one has columns for is named and left out.
    tolerances
        Differences up to these are none; None: numbers must be equal.
    progress
        Called with (trials done, trials in all, trial).

    Returns
    -------
    Difference
        mm, px, ms ... of ``b`` against ``a``. NaN is equal to NaN, and NaN against a number is a change.

    Raises
    ------
    DatasetError
        If a table or stream is missing or damaged; ``where`` is the whole path.

    Examples
    --------
    >>> found = diff_datasets(open_dataset("out"), open_dataset("out2"))     # doctest: +SKIP
    >>> [(item.column, item.largest, item.unit) for item in found.summary]   # doctest: +SKIP
    [('joints_mm', 2.0, 'mm')]
    """
    tolerances = tolerances or Tolerances()
    versions = Versions(str(a.info["schema_version"]), str(b.info["schema_version"]))
    tables = compare_tables(a, b, versions, tolerances)
    streams = _Streams(a, b, versions, tables, tolerances)
    streams.compare(progress or (lambda done, total, what: None))
    told = [
        change
        for key in sorted({*a.info, *b.info} - {"schema_version"})
        for change in changes(key, a.info.get(key), b.info.get(key), Tolerances(), counts=key not in _MADE)
    ]
    return Difference(
        str(a.path),
        str(b.path),
        tolerances,
        (versions.a, versions.b),
        tuple(versions.not_compared()),
        made=tuple(change for change in told if not change.counts),
        about=tuple(change for change in told if change.counts),
        only=tuple(tables.only),
        standings=tuple(tables.standings),
        fields=(*tables.fields, *streams.fields),
        clocks=tuple(tables.clocks),
        rows=tuple(streams.rows),
        streams=tuple(streams.totals.changes),
        summary=streams.totals.summary(),
        trials=len(tables.shared("trials")),
        recordings=len(tables.shared("recordings")),
    )


class _Streams:
    """The streams of two datasets while they are compared; what is found gathers in its lists."""

    def __init__(
        self, a: VioDataset, b: VioDataset, versions: Versions, tables: Tables, tolerances: Tolerances
    ) -> None:
        self._datasets, self._versions, self._tables, self._tolerances = (a, b), versions, tables, tolerances
        self.fields: list[RowChange] = []
        self.rows: list[RowsChange] = []
        self.totals = Totals()

    def compare(self, progress: Progress) -> None:
        """Go through what both have, trial by trial."""
        recordings: dict[str, list[str]] = {}
        for name in self._tables.shared("recordings"):
            recordings.setdefault(self._tables.rows["recordings"][0][name]["trial"], []).append(name)
        trials = sorted({*self._tables.shared("trials"), *recordings})
        for done, trial in enumerate(trials, 1):
            if self._both_have("trials", trial, "frames"):
                self._compare("motion", "trials", trial)
            for name in recordings.get(trial, []):
                if self._both_have("recordings", name, "frames"):
                    self._compare("video", "recordings", name)
                if self._both_have("recordings", name, "audio_rate_hz"):
                    self._compare_sound(name)
            progress(done, len(trials), trial)

    def _both_have(self, table: str, key: str, needed: str) -> bool:
        found = [rows.get(key) for rows in self._tables.rows[table]]
        return all(row and row["status"] != schema.STATUS_EXCLUDED and row[needed] is not None for row in found)

    def _compare_sound(self, name: str) -> None:
        rates = [set(dataset.info["feature_rates_hz"]) for dataset in self._datasets]
        for rate in sorted(rates[0] & rates[1]):
            self._compare("audio" if rate == 100 else f"audio{rate}", "recordings", name, rate)
        file_a, file_b = (dataset.path / paths.waveform(name) for dataset in self._datasets)
        there = file_a.is_file(), file_b.is_file()
        if all(there) and not _same_bytes(file_a, file_b):
            fields, rows = compare_waveforms(name, file_a, file_b, self._tolerances, self.totals)
            self.fields += [RowChange(WAVEFORM, name, change) for change in fields]
            self.rows += [rows] if rows else []
        elif any(there) and not all(there):
            a, b = ("there" if has else None for has in there)
            self.fields.append(RowChange(WAVEFORM, name, FieldChange("file", a, b)))

    def _compare(self, stream: str, table: str, key: str, rate_hz: int = 100) -> None:
        file_a, file_b = (
            dataset.path / _file(stream, rows[key], key, rate_hz)
            for dataset, rows in zip(self._datasets, self._tables.rows[table], strict=True)
        )
        if _same_bytes(file_a, file_b):
            return
        kind = schema.MOTION if stream == "motion" else schema.VIDEO if stream == "video" else schema.AUDIO
        skipped = [each.name for each in COLUMNS[stream] if not self._versions.comparable(kind.field(each.name))]
        read_a, read_b = (
            _reader(dataset, stream, key, rate_hz, file)
            for dataset, file in zip(self._datasets, (file_a, file_b), strict=True)
        )
        if rows := compare_stream(stream, key, read_a, read_b, self._tolerances, self.totals, skipped):
            self.rows.append(rows)


def _file(stream: str, row: Mapping[str, Any], key: str, rate_hz: int) -> str:
    if stream == "motion":
        return paths.motion(key, row["participant"], row["split"])
    if stream == "video":
        return paths.video(key, row["participant"], row["split"])
    return paths.audio(key, row["participant"], row["split"], rate_hz)


def _reader(dataset: VioDataset, stream: str, key: str, rate_hz: int, file: Path) -> Read:
    """Give what reads columns of a stream, and says in an error of which dataset the file is."""
    if stream == "motion":
        plain: Callable[..., dict[str, NDArray[Any]]] = partial(dataset.motion_arrays, key)
    elif stream == "video":
        plain = partial(dataset.video_arrays, key)
    else:
        plain = partial(dataset.audio_arrays, key, rate_hz)

    def read(columns: Collection[str]) -> dict[str, NDArray[Any]]:
        try:
            return plain(columns=columns)
        except DatasetError as error:
            raise DatasetError(error.problem, where=str(file), mend=error.mend) from error

    return read


def _same_bytes(a: Path, b: Path) -> bool:
    try:
        return a.stat().st_size == b.stat().st_size and sha256(a) == sha256(b)
    except OSError:
        return False  # whoever reads it says what is wrong
