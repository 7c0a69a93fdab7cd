"""What every import gathers while it writes, and how every import ends: tables, dataset.json, cards, manifest."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from viodat._version import __version__
from viodat.dataset import paths, schema
from viodat.dataset.croissant import write_croissant
from viodat.dataset.importers.card import About, write_card
from viodat.dataset.importers.foreign_text import plain
from viodat.dataset.importers.options import Imported
from viodat.dataset.manifest import write_manifest
from viodat.dataset.splits import Splits
from viodat.dataset.tables import write_arrays, write_rows
from viodat.files import write_text
from viodat.joints import JOINTS

Row = dict[str, Any]


@dataclass
class Output:
    """The folder of an import, the rows of its tables, and what was found on the way."""

    folder: Path
    splits: Splits
    trials: list[Row] = field(default_factory=list)
    recordings: dict[str, Row] = field(default_factory=dict)
    exclusions: list[Row] = field(default_factory=list)
    file_rows: dict[str, int] = field(default_factory=dict)

    def exclude(
        self,
        trial: str,
        recording: str | None,
        stage: str,
        reason: str,
        value: float | None = None,
        limit: float | None = None,
    ) -> None:
        """Add a row to the exclusions."""
        self.exclusions.append(
            {
                "trial": trial,
                "recording": recording,
                "stage": stage,
                "reason": plain(reason),
                "value": value,
                "limit": limit,
            }
        )

    def write(self, file: str, kind: pa.Schema, columns: Mapping[str, NDArray[Any] | str | None]) -> None:
        """Write a stream of arrays to a file below the folder."""
        self.file_rows[file] = write_arrays(self.folder / file, kind, columns)

    def write_rows(self, file: str, kind: pa.Schema, rows: Sequence[Row]) -> None:
        """Write a table of rows to a file below the folder."""
        self.file_rows[file] = write_rows(self.folder / file, kind, rows)

    def finish(
        self,
        about: About,
        options: Mapping[str, Any],
        rates: Sequence[int],
        inputs: Mapping[str, str],
        notes: list[str],
    ) -> Imported:
        """Write tables, dataset.json, card, Croissant and manifest.

        Parameters
        ----------
        about
            Whose data they are.
        options
            What was asked for, as it goes into dataset.json.
        rates
            Rates of the audio frame that there are.
        inputs
            Digests of the published files, by their names.
        notes
            What was found and handled.
        """
        people = sorted({row["participant"] for row in self.trials})
        recordings = [row for _, row in sorted(self.recordings.items())]
        exclusions = sorted(self.exclusions, key=lambda row: (row["trial"], row["recording"] or ""))
        rows: dict[str, list[Row]] = {
            "participants": [
                {"participant": name, "split": self.splits.participants[name], "measurement_sources": {}}
                for name in people
            ],
            "trials": self.trials,
            "cameras": [],
            "recordings": recordings,
            "exclusions": exclusions,
        }
        for name, kind in schema.TABLES.items():
            self.write_rows(paths.table(name), kind, rows[name])
        lines = "".join(f"{digest}  {name}\n" for name, digest in sorted(inputs.items()))
        info = {
            "schema_version": schema.SCHEMA_VERSION,
            "name": about.name,
            "description": about.description,
            "licence": about.licence,
            "citation": about.citation,
            "viodat_version": __version__,
            "joints": list(JOINTS),
            "units": {"length": "mm", "time": "ns", "image": "px"},
            "feature_rates_hz": list(rates),
            "options": dict(options),
            "config": {},
            "imported": {
                "format": about.format,
                "files_sha256": dict(inputs),
                "missing": list(about.missing),
                "notes": notes,
            },
            "inputs_sha256": hashlib.sha256(lines.encode()).hexdigest(),
        }
        write_text(self.folder / paths.DATASET_JSON, json.dumps(info, indent=1) + "\n")
        write_card(self.folder, about, info, self.trials, recordings, exclusions)
        write_croissant(self.folder, info)
        write_manifest(self.folder, self.file_rows)
        states = Counter(row["status"] for row in recordings)
        return Imported(
            trials=sum(row["status"] == schema.STATUS_BUILT for row in self.trials),
            recordings=states.total() - states[schema.STATUS_EXCLUDED],
            unsynchronised=states[schema.STATUS_UNSYNCHRONISED],
            exclusions=tuple(exclusions),
            notes=tuple(notes),
        )


def to_ns(seconds: NDArray[np.float64]) -> NDArray[np.int64]:
    """(N,) int64 ns of (N,) s."""
    return np.rint(seconds * 1e9).astype(np.int64)
