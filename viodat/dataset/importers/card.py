"""The card of an imported dataset: what it is, whose it is, what the published data did not hold."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from viodat.dataset import schema
from viodat.dataset.card import split_rows
from viodat.files import write_text

_MOST_NOTES: Final = 20

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
| `participants.parquet`, `trials.parquet`, `recordings.parquet` | participant, trial, recording | as named; `recordings.camera_model` is the fitted camera |
| `cameras.parquet` | | empty: the release holds no calibration |
| `exclusions.parquet` | thing left out | stage, reason, the number behind it and its limit |
| `motion/` | row of the published 3D poses | `trial`, `time_ns`, `joints_mm` [18x3], `valid` [18] |
| `video/` | video frame | `trial`, `recording`, `time_ns`, `device_time_ns`, `pts`, `pose3d_mm` [18x3] camera frame, `pose2d_px` [18x2] published 2D truth, `detected_px` [18x2], `confidence` [18], `valid` [18] |
| `audio/` | 10 ms of sound | `trial`, `recording`, `time_ns`, `device_time_ns`, `features` [35] |
| `waveform/` | | the published sound, 8 kHz, FLAC |

Times are int64 nanoseconds; zero is the first row of the trial's motion. Missing is null. Every column's unit, frame and
joint order stand in its Parquet field metadata. Joints, in order: {joints}.

```python
import viodat
ds = viodat.open_dataset(".")
windows = viodat.PoseWindows(".", split="train")
```
"""  # noqa: E501


def write_card(
    folder: Path,
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
    notes = [*imported["notes"][:_MOST_NOTES]]
    if len(imported["notes"]) > _MOST_NOTES:
        notes.append(f"{len(imported['notes']) - _MOST_NOTES} more in dataset.json")
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
        files=_listed(f"`{name}`, SHA-256 `{digest}`" for name, digest in imported["files_sha256"].items()),
        missing=_listed(imported["missing"]),
        notes=_listed(notes) or "Nothing beyond what stands above and in the `notes` of the tables.",
        left_out=_listed(f"{', '.join(names)}: {reason}" for reason, names in reasons.items()) or "Nothing.",
        joints=", ".join(info["joints"]),
    )
    write_text(folder / "README.md", text)


def _listed(lines: Any) -> str:
    return "\n".join(f"- {line}" for line in lines)
