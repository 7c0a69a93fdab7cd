"""The dataset card, README.md: what is in the folder, how it was measured, what it lacks, for who has no viodat."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from viodat.body.angles import ANGLES
from viodat.dataset import schema
from viodat.dataset.card_facts import limits, measured, people
from viodat.dataset.hub_header import files_of, header
from viodat.files import write_text

_CARD = """\
# {title}

{description}

{summary}

| split | trials | minutes | participants |
|---|---|---|---|
{splits}

Built by viodat {viodat_version}, schema {schema_version}.

## How it was measured

{measured}

## What it lacks

{limits}

## Licence, consent, citation

**Licence.** {licence}

**Participants.** {people}

**Cite.** {citation}

## What is in it

| file | one row per | columns |
|---|---|---|
| `participants.parquet` | participant | `participant`, `split`, `sex`, `age_group`, `level`, `handedness`, `consent`, body measurements (mm, kg, rad) and where each comes from; names are in no file |
| `trials.parquet`, `recordings.parquet`, `cameras.parquet` | trial, recording, camera | as named |
| `exclusions.parquet` | thing left out | stage, reason, the number behind it and its limit |
| `motion/` | mocap frame | `trial`, `time_ns`, `joints_mm` [18x3] world frame, `sigma_mm` [18], `valid` [18], `velocity_mm_s` and `acceleration_mm_s2` [18x3] world frame, `angles_rad` [{n_angles}] |
| `video/` | video frame | `trial`, `recording`, `time_ns`, `device_time_ns`, `pts`, `pose3d_mm` [18x3] camera frame, `pose2d_px` [18x2] projected truth, `detected_px` [18x2], `confidence` [18], `valid` [18] |
| `audio/` | 10 ms of sound | `trial`, `recording`, `time_ns`, `device_time_ns`, `features` [35], `log_mel_db` [128], `f0_hz`, `voiced` |
| `waveform/` | | the sound at its own rate, FLAC |
| `reports/index.html` | | a picture and a page for each trial |
| `croissant.json`, `manifest.json` | | ML Commons Croissant 1.1; bytes and SHA-256 of every file |

Times are int64 nanoseconds on the motion-capture clock, zero at frame number 1 of the marker recording. Lengths are mm,
pixels have their zero in the centre of the top left one, and missing is null. Every column's unit, frame and joint order
stand in its Parquet field metadata, the versions and the definition of the frames in each file's schema metadata.
Joints, in order: {joints}. The root is the mean of left_pelvis and right_pelvis, the hip joint centres.

```python
import viodat
ds = viodat.open_dataset(".")
windows = viodat.PoseWindows(".", split="train")

import pandas                       # or without viodat
pandas.read_parquet("trials.parquet")
pandas.read_parquet("motion")       # all trials as one table
```
"""  # noqa: E501


_DOUBTFUL: Final = (schema.STATUS_UNCERTAIN, schema.STATUS_UNSYNCHRONISED)


def write_card(
    folder: Path,
    info: Mapping[str, Any],
    trials: Sequence[Mapping[str, Any]],
    recordings: Sequence[Mapping[str, Any]],
    exclusions: Sequence[Mapping[str, Any]],
) -> None:
    """Write README.md.

    Parameters
    ----------
    folder
        The dataset; its tables and streams are written.
    info
        dataset.json.
    trials, recordings, exclusions
        The rows of these tables.
    """
    built = [row for row in trials if row["status"] == schema.STATUS_BUILT]
    kinds = Counter(row["kind"] for row in recordings if row["status"] != schema.STATUS_EXCLUDED)
    streams = ", ".join(f"{count} {kind} recordings" for kind, count in sorted(kinds.items())) or "no recordings"
    # A recording without a certain clock stands among the exclusions, and is in the dataset all the same.
    doubtful = {row["recording"] for row in recordings if row["status"] in _DOUBTFUL}
    gone = sum(row["recording"] not in doubtful for row in exclusions)
    left_out = f"; {gone} left out, see exclusions.parquet" if gone else ""
    if doubtful:
        left_out += f"; {len(doubtful)} of the recordings have no clock certain enough to train on (recordings.status)"
    citation = info.get("citation") or "The lab states no citation."
    if address := info.get("url"):
        citation += f" {address}"
    card = _CARD.format(
        title=info["name"] or "A viodat dataset",
        description=info.get("description") or "The 4D pose of musicians at work.",
        summary=f"{len(built)} trials, {streams}{left_out}.",
        splits=split_rows(built),
        viodat_version=info["viodat_version"],
        schema_version=info["schema_version"],
        measured=listed(measured(folder, info, built, recordings)),
        limits=listed(limits(built, recordings, exclusions)) or "Nothing is known to be missing.",
        licence=info.get("licence") or "The lab states no licence.",
        people=people(folder, exclusions),
        citation=citation,
        joints=", ".join(info["joints"]),
        n_angles=len(ANGLES),
    )
    write_text(folder / "README.md", header(files_of(folder), info) + card)


def split_rows(built: Sequence[Mapping[str, Any]]) -> str:
    """Give the lines of the card's table of splits: trials, minutes and participants of each, from rows of trials."""
    by_split: dict[str, list[Mapping[str, Any]]] = {}
    for row in built:
        by_split.setdefault(row["split"], []).append(row)
    return "\n".join(
        f"| {split} | {len(found)} | {sum(row['seconds'] for row in found) / 60:.1f} | "
        f"{', '.join(sorted({row['participant'] for row in found}))} |"
        for split, found in sorted(by_split.items())
    )


def listed(lines: Sequence[str]) -> str:
    """Give lines as a Markdown list."""
    return "\n".join(f"- {line}" for line in lines)
