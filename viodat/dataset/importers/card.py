"""The card of an imported dataset: what it is, whose it is, what the published data did not hold."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from viodat.dataset import schema
from viodat.dataset.card import split_rows
from viodat.dataset.hub_header import files_of, header
from viodat.files import write_text

_MOST_LINES: Final = 20

_CARD: Final = """\
# {title}

{description}

{summary}

| split | trials | minutes | participants |
|---|---|---|---|
{splits}

**Licence.** {licence}.

**Cite.** {citation}

Imported by viodat {viodat_version}, schema {schema_version}, from:

{files}

## What is missing

The published data do not hold everything that a dataset of this schema can. Nothing was made up:

{missing}

## What was found while importing

{notes}

## What is left out

{left_out}

## What is in it

| file | one row per | columns |
|---|---|---|
{contents}

Times are int64 nanoseconds; {clock}. Missing is null. Every column's unit, frame and
joint order stand in its Parquet field metadata. Joints, in order: {joints}.

```python
import viodat
ds = viodat.open_dataset(".")
{example}
```
"""


@dataclass(frozen=True)
class About:
    """Whose data an importer reads, and what of a dataset they do not hold.

    Attributes
    ----------
    format
        Name of the importer.
    name, description, licence, citation
        Of the published data.
    missing
        What a dataset of this schema can hold and the published data do not, or do not state; one sentence or more
        each.
    contents
        Rows of the card's table of files: file, what one row is, columns.
    clock
        Where time zero is.
    example
        A line of Python that uses a dataset ``ds``.
    """

    format: str
    name: str
    description: str
    licence: str
    citation: str
    missing: tuple[str, ...]
    contents: tuple[tuple[str, str, str], ...]
    clock: str
    example: str


def write_card(
    folder: Path,
    about: About,
    info: Mapping[str, Any],
    trials: Sequence[Mapping[str, Any]],
    recordings: Sequence[Mapping[str, Any]],
    exclusions: Sequence[Mapping[str, Any]],
) -> None:
    """Write README.md from dataset.json's content (with its key ``imported``) and the rows of the tables."""
    built = [row for row in trials if row["status"] == schema.STATUS_BUILT]
    states = Counter(row["status"] for row in recordings)
    told = ", ".join(f"{count} {state}" for state, count in sorted(states.items()))
    imported = info["imported"]
    notes = _first(imported["notes"])
    reasons: dict[str, list[str]] = {}
    for row in exclusions:
        reasons.setdefault(row["reason"], []).append(row["recording"] or row["trial"])
    text = _CARD.format(
        title=info["name"],
        description=info["description"],
        summary=f"{len(built)} trials, {len(recordings)} recordings ({told}).",
        splits=split_rows(built),
        licence=info["licence"],
        citation=info["citation"],
        viodat_version=info["viodat_version"],
        schema_version=info["schema_version"],
        files=_listed(_files(imported["files_sha256"])),
        missing=_listed(imported["missing"]),
        contents="\n".join(f"| {' | '.join(row)} |" for row in about.contents),
        clock=about.clock,
        example=about.example,
        notes=_listed(notes) or "Nothing beyond what stands above and in the `notes` of the tables.",
        left_out=_listed(f"{', '.join(names)}: {reason}" for reason, names in reasons.items()) or "Nothing.",
        joints=", ".join(info["joints"]),
    )
    write_text(folder / "README.md", header(files_of(folder), info) + text)


def _files(digests: Mapping[str, str]) -> list[str]:
    return _first([f"`{name}`, SHA-256 `{digest}`" for name, digest in digests.items()])


def _first(lines: Sequence[str]) -> list[str]:
    more = len(lines) - _MOST_LINES
    return [*lines[:_MOST_LINES], *([f"{more} more in dataset.json"] if more > 0 else [])]


def _listed(lines: Any) -> str:
    return "\n".join(f"- {line}" for line in lines)
