"""``viodat build``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from viodat.cli.console import out as console
from viodat.cli.console import print_error, print_json, print_warning, progress
from viodat.errors import counted

_SHOWN = 12


def build(
    raw: Annotated[Path, typer.Option("--raw", help="Folder of the raw capture. Nothing is written there.")],
    out: Annotated[Path, typer.Option("--out", help="Folder of the dataset to make.")] = Path("out"),
    config: Annotated[
        Path | None, typer.Option("--config", help="capture.toml, if it is not the capture's own.")
    ] = None,
    joint_centres: Annotated[
        str,
        typer.Option(
            "--joint-centres",
            help="auto, regression or functional (a skeleton fitted to the trial); pig, midpoints or named (by frame).",
        ),
    ] = "auto",
    pose2d: Annotated[
        str, typer.Option("--pose2d", help="2D keypoints from: auto, files, mediapipe or none.")
    ] = "auto",
    pose_model: Annotated[
        Path | None, typer.Option("--pose-model", help="A MediaPipe .task file, where its wheel carries no model.")
    ] = None,
    audio_rate: Annotated[
        list[int] | None, typer.Option("--audio-rate", help="30, 100 or 300: rates of the audio frame; repeatable.")
    ] = None,
    sync: Annotated[
        str | None,
        typer.Option(
            "--sync", help="Clocks: auto (from all evidence), given (by capture.toml) or none; without it, as it says."
        ),
    ] = None,
    trial: Annotated[list[str] | None, typer.Option("--trial", help="Only this trial; repeatable.")] = None,
    json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Turn a raw capture into a dataset."""
    from viodat.build import BuildOptions, build_dataset

    options = BuildOptions(
        joint_centres=joint_centres,
        pose2d=pose2d,
        pose_model=pose_model,
        audio_rates_hz=tuple(audio_rate or (100,)),
        trials=tuple(trial or ()),
        sync=sync,
    )
    with progress("building", quiet=json) as show:
        result = build_dataset(raw, out, config=config, options=options, progress=show)
    if json:
        print_json(
            {
                "out": str(result.out),
                "report": str(result.report),
                "trials": result.trials,
                "recordings": result.recordings,
                "unsynchronised": result.unsynchronised,
                "exclusions": list(result.exclusions),
                "notes": list(result.notes),
                "faults": list(result.faults),
            }
        )
        _tell_faults(result.faults)
        return
    for note in result.notes[:_SHOWN]:
        print_warning(note)
    left_out = _left_out(result.exclusions)
    for line in left_out[:_SHOWN]:
        print_warning(line)
    hidden = max(len(result.notes) - _SHOWN, 0) + max(len(left_out) - _SHOWN, 0)
    if hidden:
        print_warning(f"{hidden} more in the report")
    built = f"{counted(result.trials, 'trial')} and {counted(result.recordings, 'recording')}"
    if result.unsynchronised:
        built += f", {result.unsynchronised:,} of them without a clock,"
    console.print(f"built {built} in {result.out}", markup=False)
    console.print(f"report: {result.report}", markup=False)
    _tell_faults(result.faults)


def _left_out(exclusions: Sequence[Mapping[str, Any]]) -> list[str]:
    """Say what is left out, recordings of a trial with the same reason together."""
    together: dict[tuple[str, str, bool, str], list[str]] = {}
    for row in exclusions:
        key = row["trial"], row["stage"], bool(row["recording"]), row["reason"]
        together.setdefault(key, []).append(row["recording"] or row["trial"])
    # A recording without a good clock is in the dataset all the same.
    return [
        f"{'not trained on:' if recording and stage == 'clocks' else 'left out'} {', '.join(names)} ({stage}): {reason}"
        for (_, stage, recording, reason), names in together.items()
    ]


def _tell_faults(faults: Sequence[str]) -> None:
    """End with the status of a fault of viodat if there was one; the dataset is there, without what it cost."""
    for fault in faults:
        print_error(f"a fault of viodat, not of your recordings: {fault}. The dataset is built without what it cost.")
    if faults:
        raise typer.Exit(3)
