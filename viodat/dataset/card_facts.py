"""What a dataset's card states of its measuring, counted and taken from the tables and streams themselves."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from viodat.dataset import paths, schema
from viodat.dataset.tables import read_arrays, read_table
from viodat.errors import DatasetError, counted

Row = Mapping[str, Any]

_CONSENT: Final = "consent"
"""Stage of the exclusions of those who did not consent."""

_MOST_REASONS: Final = 12
_EXAMPLES: Final = 3


def measured(folder: Path, info: Mapping[str, Any], built: Sequence[Row], recordings: Sequence[Row]) -> list[str]:
    """Say how joints, clocks, pictures and sound were measured, with the errors that the dataset states of itself.

    Parameters
    ----------
    folder
        The dataset, for ``motion``.
    info
        dataset.json.
    built
        Rows of the trials that are in it.
    recordings
        Rows of all recordings.
    """
    kept = [row for row in recordings if row["status"] != schema.STATUS_EXCLUDED]
    return [
        _markers(built),
        _joints(folder, built),
        *_clocks(kept),
        *_pictures(kept),
        *_sound(kept, info),
    ]


def limits(built: Sequence[Row], recordings: Sequence[Row], exclusions: Sequence[Row]) -> list[str]:
    """Say what is missing: joints, clocks, calibrations, keypoints, sound; and what was left out, counted by reason."""
    kept = [row for row in recordings if row["status"] != schema.STATUS_EXCLUDED]
    lines = list(_undetermined(built))
    seen = [row for row in kept if _of(row, "frames") is not None]
    for count, of, what in (
        (sum(not _of(row, "calibrated") for row in seen), seen, "without a calibrated camera: no 2D truth"),
        (sum(_of(row, "keypoints") is None for row in seen), seen, "without detected keypoints"),
        (sum(_of(row, "audio_rate_hz") is None for row in kept), kept, "without sound"),
        (sum(row["status"] == schema.STATUS_UNSYNCHRONISED for row in kept), kept, "without a clock: no truth"),
        (
            sum(row["status"] == schema.STATUS_UNCERTAIN for row in kept),
            kept,
            "whose clock is less certain than the gate asks for",
        ),
    ):
        if count:
            lines.append(f"{count} of {counted(len(of), 'recording')} {what}")
    return lines + _reasons(exclusions)


def people(folder: Path, exclusions: Sequence[Row]) -> str:
    """Say how many participants there are and how many consented; nobody is named who did not."""
    rows = read_table(folder / paths.table("participants")).to_pylist()
    said = Counter(row["consent"] for row in rows)
    # Whoever refused has no row: only exclusions, of all their trials.
    refused = sum(row["stage"] == _CONSENT for row in exclusions)
    text = f"{counted(len(rows), 'participant')}; {said['yes']} consented, of {said[None]} no answer is on record."
    if refused:
        text += f" {counted(refused, 'trial')} of participants who did not consent are not in the dataset."
    return text


def _markers(built: Sequence[Row]) -> str:
    rates = " and ".join(f"{rate:g} Hz" for rate in sorted({_of(row, "rate_hz") for row in built} - {None}))
    sets = _counts(_of(row, "marker_set") or "other markers" for row in built)
    gaps = _finite(_of(row, "gap_share") for row in built)
    text = f"**Markers.** Optical motion capture at {rates or 'an unknown rate'}; marker sets, by trials: {sets}."
    if len(gaps):
        text += f" Gaps are {100 * np.median(gaps):.2g} % of the marker samples in the median trial."
    return text


def _joints(folder: Path, built: Sequence[Row]) -> str:
    ways = _counts(
        re.sub(r"[(:].*", "", method) for row in built for method in _of(row, "joint_methods") or () if method
    )
    text = f"**Joints.** Joint centres, mm, in the frame of the marker files; ways, by joints of all trials: {ways}."
    sigma = _sigmas(folder, built)
    if len(sigma):
        low, middle, high = np.percentile(sigma, [5, 50, 95])
        text += (
            f" Their stated standard deviation is {middle:.1f} mm in the median, {low:.1f} to {high:.1f} mm from the "
            "5th to the 95th percentile (`motion.sigma_mm`)."
        )
    else:
        text += " The method states no error."
    return text


def _clocks(kept: Sequence[Row]) -> Iterator[str]:
    timed = [row for row in kept if _of(row, "offset_s") is not None]
    if not timed:
        return
    text = f"**Clocks.** From each device's time to the motion capture's; found by: {_counts(_found_by(timed))}."
    sigma = _finite(_of(row, "sigma_ms") for row in timed)
    if len(sigma):
        text += (
            f" The stated standard deviation is {np.median(sigma):.2g} ms in the median and {sigma.max():.2g} ms at "
            "most (`recordings.sigma_ms`)."
        )
    yield text


def _found_by(rows: Sequence[Row]) -> Iterator[str]:
    return (_of(row, "sync_method") or "unknown" for row in rows)


def _pictures(kept: Sequence[Row]) -> Iterator[str]:
    seen = [row for row in kept if _of(row, "frames") is not None]
    if not seen:
        return
    sizes = _counts(f"{row['width_px']} x {row['height_px']}" for row in seen if _of(row, "width_px"))
    calibrated = sum(bool(_of(row, "calibrated")) for row in seen)
    detected = sum(_of(row, "keypoints") is not None for row in seen)
    yield (
        f"**Pictures.** {counted(len(seen), 'recording')} with a time stamp per frame"
        + (f", px: {sizes}" if sizes else "")
        + f". {calibrated} by a calibrated camera, in which the joints are projected at each frame's own time; "
        f"{detected} with detected keypoints. The pictures themselves are not in the dataset."
    )


def _sound(kept: Sequence[Row], info: Mapping[str, Any]) -> Iterator[str]:
    heard = [row for row in kept if _of(row, "audio_rate_hz") is not None]
    if heard:
        rates = _counts(f"{row['audio_rate_hz']:g} Hz" for row in heard)
        built = ", ".join(f"{rate:g}" for rate in info["feature_rates_hz"])
        yield f"**Sound.** {counted(len(heard), 'recording')}, sampled at: {rates}. Audio features at {built} Hz."


def _sigmas(folder: Path, built: Sequence[Row]) -> NDArray[np.float32]:
    found = []
    for row in built:
        file = folder / paths.motion(row["trial"], row["participant"], row["split"])
        if file.exists():
            try:
                values = read_arrays(file, schema.MOTION, ["sigma_mm"], version="1.0")["sigma_mm"]
            except DatasetError:
                # pyarrow before 26 does not read arrays with rows that are null.
                continue
            found.append(values[np.isfinite(values)])
    return np.concatenate(found) if found else np.empty(0, np.float32)


def _undetermined(built: Sequence[Row]) -> Iterator[str]:
    shares = [_of(row, "joint_valid_share") for row in built]
    known = np.array([share for share in shares if share is not None], float)
    if known.size:
        missing = 100 * (1 - np.nanmean(known))
        if missing >= 0.005:
            yield f"{missing:.2g} % of the joint positions are not determined (null in `motion.joints_mm`)"
    if without := sum(share is None for share in shares):
        yield f"{without} of {counted(len(built), 'trial')} without motion"


def _reasons(exclusions: Sequence[Row]) -> list[str]:
    """Count exclusions by stage and reason; reasons that differ in their numbers only are one."""
    groups: dict[tuple[str, str], list[Row]] = {}
    for row in exclusions:
        groups.setdefault((row["stage"], re.sub(r"\d[\d,.]*", "#", row["reason"])), []).append(row)
    ordered = sorted(groups.items(), key=lambda item: (-len(item[1]), item[0]))
    lines = []
    for (stage, _), rows in ordered[:_MOST_REASONS]:
        names = [row["recording"] or row["trial"] for row in rows]
        shown = ", ".join(names[:_EXAMPLES]) + (" ..." if len(names) > _EXAMPLES else "")
        such = "" if len(rows) == 1 else ", for example"
        lines.append(f"{len(rows)} x {stage}{such}: {rows[0]['reason'].rstrip('.')} ({shown})")
    if hidden := sum(len(rows) for _, rows in ordered[_MOST_REASONS:]):
        lines.append(f"{hidden} more, for other reasons: exclusions.parquet")
    return lines


def _of(row: Row, key: str) -> Any:
    """Give a value of a row; rows that are not yet written lack the keys of what they do not know."""
    return row.get(key)


def _counts(values: Any) -> str:
    found = Counter(values)
    return ", ".join(
        f"{value} ({count})" for value, count in sorted(found.items(), key=lambda item: (-item[1], item[0]))
    )


def _finite(values: Any) -> NDArray[np.float64]:
    return np.array([value for value in values if value is not None and np.isfinite(value)], np.float64)
