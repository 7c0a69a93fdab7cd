"""What became of one trial or recording, as a build wrote it down: ``viodat why``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from viodat.dataset.reader import VioDataset, open_dataset
from viodat.errors import ConfigError, DatasetError


def story_of(out: str | Path, name: str) -> dict[str, Any]:
    """Give the story of a trial or of a recording.

    Parameters
    ----------
    out
        The dataset.
    name
        ``P05T28`` or ``P05C01T28``.

    Returns
    -------
    dict
        Of a trial as ``reports/trials/*.json`` has it; of a recording what that says of it, with ``recording``,
        ``trial`` and ``left_out``.

    Raises
    ------
    ConfigError
        The dataset knows no trial or recording of that name.
    DatasetError
        It is damaged, or was not built by ``viodat build``.
    """
    dataset = open_dataset(out)
    trial = _trial_of(dataset, name)
    if trial is None:
        return _refused(dataset, name)
    # The page's name is the trial's wherever a file system can carry it.
    for path in sorted((dataset.path / "reports" / "trials").glob("*.json")):
        if path.stem == trial or path.stem.rpartition("-")[0]:
            story = _read(path)
            if story.get("trial") == trial:
                return story if name == trial else _of_recording(story, name)
    raise DatasetError(
        f"has no story of {trial}",
        where=dataset.path,
        mend="It was imported, or built by an older viodat; build it again.",
    )


def _trial_of(dataset: VioDataset, name: str) -> str | None:
    if (dataset.trials["trial"] == name).any():
        return name
    rows = dataset.recordings[dataset.recordings["recording"] == name]
    return str(rows["trial"].iloc[0]) if len(rows) else None


def _refused(dataset: VioDataset, name: str) -> dict[str, Any]:
    """Tell of what is not in the dataset at all: all that is known is why."""
    rows = dataset.exclusions[(dataset.exclusions["trial"] == name) | (dataset.exclusions["recording"] == name)]
    if not len(rows):
        known = [*dataset.trials["trial"]]
        raise ConfigError(
            f"the dataset knows no trial or recording {name}; its trials: {', '.join(known[:8])}"
            + (" ..." if len(known) > 8 else ""),
            where=str(dataset.path),
            mend="Correct the name, or name the dataset with --out.",
        )
    return {
        "trial": name, "participant": "unknown", "split": "none", "status": "excluded", "read": {}, "markers": None,
        "measurements": {}, "joints": {}, "gates": [], "recordings": {}, "alarms": [], "notes": [],
        "left_out": json.loads(rows[["recording", "stage", "reason", "value", "limit"]].to_json(orient="records")),
    }  # fmt: skip


def _of_recording(story: dict[str, Any], name: str) -> dict[str, Any]:
    left_out = [row for row in story["left_out"] if row["recording"] in (None, name)]
    return {"recording": name, "trial": story["trial"], "left_out": left_out, **story["recordings"].get(name, {})}


def _read(path: Path) -> dict[str, Any]:
    try:
        story = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise DatasetError(f"cannot be read ({error})", where=path, mend="Build the dataset again.") from error
    if not isinstance(story, dict):
        raise DatasetError("is no story of a trial", where=path, mend="Build the dataset again.")
    return story
