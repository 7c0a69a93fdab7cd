"""``viodat why``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from viodat.cli.console import out as console
from viodat.cli.console import print_json

_SHOWN = 6


def why(
    name: Annotated[str, typer.Argument(help="A trial or a recording: P05T28, P05C01T28.")],
    out: Annotated[Path, typer.Option("--out", help="The dataset.")] = Path("out"),
    json: Annotated[bool, typer.Option("--json", help="Print the whole story as JSON.")] = False,
) -> None:
    """Tell what became of a trial or recording: what was read, what was decided, which gate said no."""
    from viodat.dataset.stories import story_of

    story = story_of(out, name)
    if json:
        print_json(story)
        return
    for line in _of_trial(story) if "recording" not in story else _of_recording(story):
        console.print(line, markup=False)


def _of_trial(story: Mapping[str, Any]) -> Iterator[str]:
    yield f"{story['trial']} of {story['participant']}: {story['status']}, split {story['split']}"
    yield from _left_out(story["left_out"])
    if story["read"]:
        yield f"read: {_some(list(story['read']))}"
    markers = story["markers"]
    if markers:
        missing, filled = _share(markers["missing_share"]), _share(markers["filled_share"])
        yield (
            f"markers: {markers['markers']} of set {markers['marker_set'] or 'unknown'}, {markers['frames']:,} frames "
            f"at {markers['rate_hz']:g} Hz, {missing} missing, {filled} filled"
        )
        yield from (f"  label: {fault}" for fault in markers["labels"][:_SHOWN])
    for gate in story["gates"]:
        yield (
            f"gate {gate['gate']}: {_number(gate['value'], gate['unit'])}, must be {gate['sense']} "
            f"{_number(gate['limit'], gate['unit'])}: {'kept' if gate['kept'] else 'NOT KEPT'}"
        )
    methods: dict[str, list[str]] = {}
    for joint, one in story["joints"].items():
        methods.setdefault(one["method"], []).append(joint)
    for method, joints in methods.items():
        yield f"joints by {method}: {', '.join(joints)}"
    for recording, one in story["recordings"].items():
        yield f"{recording}: {one['status']}{_clock(one)}"
    yield from (f"alarm: {line}" for line in story["alarms"])
    yield from (f"note: {line}" for line in story["notes"] if line not in story["alarms"])


def _of_recording(story: Mapping[str, Any]) -> Iterator[str]:
    yield f"{story['recording']} of trial {story['trial']}: {story['status']}{_clock(story)}"
    yield from _left_out(story["left_out"])
    yield f"files: {', '.join(story['files']) or 'none'}"
    if story.get("frames") is not None:
        calibrated = "calibrated" if story["calibrated"] else "not calibrated"
        yield f"pictures: {story['frames']:,} frames, {calibrated}, keypoints: {story['keypoints'] or 'none'}"
    if story.get("sound_s") is not None:
        yield f"sound: {story['sound_s']:.2f} s"
    clock = story.get("clock")
    if clock:
        yield (
            f"clock: offset {clock['offset_s']:.4f} s, drift {clock['drift_ppm']:.1f} ppm, "
            f"skew {clock['skew_ms']:.1f} ms, from {clock['method']}, confidence {clock['confidence']:.3f}"
        )
    yield from (f"stated: {claim}" for claim in story.get("claims", []))
    yield from (f"note: {line}" for line in story.get("notes", []))


def _left_out(rows: list[Mapping[str, Any]]) -> Iterator[str]:
    for row in rows:
        number = (
            ""
            if row["value"] is None
            else f" (value {row['value']:.4g}" + (f", limit {row['limit']:.4g})" if row["limit"] is not None else ")")
        )
        yield f"why: {row['recording'] or 'the trial'} ({row['stage']}): {row['reason']}{number}"


def _clock(one: Mapping[str, Any]) -> str:
    clock = one.get("clock")
    if not clock:
        return ""
    picture = clock["sigma_picture_ms"]
    sigma = picture if picture is not None else clock["sigma_sound_ms"]
    limit = clock["limit_ms"]
    if sigma is None:
        return ", its clock as stated"
    return f", its clock known to {sigma:.2f} ms" + (f" (limit {limit:.1f} ms)" if limit is not None else "")


def _some(names: list[str]) -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more


def _share(value: float | None) -> str:
    return "nothing" if not value else f"{value:.1%}"


def _number(value: float | None, unit: str) -> str:
    if value is None:
        return "not measured"
    return f"{value:.1%}" if unit == "share" else f"{value:.4g} {unit}".strip()
