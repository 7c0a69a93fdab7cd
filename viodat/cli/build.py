"""``viodat build``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from viodat.cli.console import out as console
from viodat.cli.console import print_error, print_json, print_warning, progress
from viodat.errors import ConfigError, counted

if TYPE_CHECKING:
    from viodat.build import BuildOptions

_SHOWN = 12
_KEPT = {"clocks": "not trained on:", "camera": "pictures without truth:"}
"""What is said of a recording that is in the dataset all the same, by the stage that found something."""


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
    resect: Annotated[
        bool, typer.Option("--resect", help="Solve the poses of cameras anew that do not stand as calibrated.")
    ] = False,
    blur_faces: Annotated[
        bool, typer.Option("--blur-faces", help="Make everybody unrecognisable in the report's pictures.")
    ] = False,
    trial: Annotated[list[str] | None, typer.Option("--trial", help="Only this trial; repeatable.")] = None,
    workers: Annotated[int, typer.Option("--workers", min=0, help="Processes; 0: one per core.")] = 0,
    time_limit: Annotated[
        float, typer.Option("--time-limit", help="Seconds that a trial may take before its process is ended.")
    ] = 1800.0,
    memory_limit: Annotated[
        float, typer.Option("--memory-limit", help="Gigabytes that a process may ask for; 0: no limit.")
    ] = 4.0,
    scheduler: Annotated[
        str | None, typer.Option("--scheduler", help="Work on a Dask cluster: tcp://host:8786.")
    ] = None,
    cache: Annotated[
        str | None,
        typer.Option("--cache", help="Where results of stages are kept: a folder or URL; else .NAME.cache beside OUT."),
    ] = None,
    no_cache: Annotated[bool, typer.Option("--no-cache", help="Do all work anew, and keep nothing but OUT.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Tell what would be done, and why; do nothing.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Turn a raw capture into a dataset."""
    from viodat.build import BuildOptions, Cluster, LocalPool, build_dataset
    from viodat.build.workers import default_workers

    if no_cache and (cache or dry_run):
        raise ConfigError("--no-cache goes with neither --cache nor --dry-run", mend="Leave one of them out.")
    options = BuildOptions(
        joint_centres=joint_centres,
        pose2d=pose2d,
        pose_model=pose_model,
        audio_rates_hz=tuple(audio_rate or (100,)),
        trials=tuple(trial or ()),
        sync=sync,
        resect=resect,
        blur_faces=blur_faces,
    )
    if dry_run:
        _tell_plan(raw, out, config, options, cache, json)
        return
    where = Cluster(scheduler) if scheduler else LocalPool(workers or default_workers(), time_limit, memory_limit)
    try:
        with progress("building", quiet=json) as show:
            result = build_dataset(
                raw,
                out,
                config=config,
                options=options,
                progress=show,
                workers=where,
                cache=cache,
                keep_cache=not no_cache,
            )
    except KeyboardInterrupt:
        kept = "" if no_cache else "; what is done is kept, and the same command goes on from there"
        print_warning(f"interrupted{kept}. A dataset that was there before is as it was")
        raise typer.Exit(130) from None
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
                "worked_on": result.worked_on,
                "cache": result.cache,
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
    if not result.worked_on:
        console.print(f"all of it was in the cache: {result.cache}", markup=False)
    elif result.cache is not None:
        console.print(f"cache: {result.cache}; remove it when you need the room", markup=False)
    _tell_faults(result.faults)


def _tell_plan(raw: Path, out: Path, config: Path | None, options: BuildOptions, cache: str | None, json: bool) -> None:
    from viodat.build import plan_build

    with progress("planning", quiet=json) as show:
        plan = plan_build(raw, out, config=config, options=options, cache=cache, progress=show)
    if json:
        print_json(plan.to_json())
        return
    for step in plan.stale[:_SHOWN]:
        console.print(f"{step.stage} of {step.unit}: {step.why}", markup=False)
    if len(plan.stale) > _SHOWN:
        console.print(f"... and {counted(len(plan.stale) - _SHOWN, 'more step')}; --json lists all", markup=False)
    for line in plan.summary():
        console.print(line, markup=False)
    console.print(f"{counted(plan.trials, 'trial')}; cache: {plan.cache}; nothing was done", markup=False)


def _left_out(exclusions: Sequence[Mapping[str, Any]]) -> list[str]:
    """Say what is left out, recordings of a trial with the same reason together."""
    together: dict[tuple[str, str, bool, str], list[str]] = {}
    for row in exclusions:
        key = row["trial"], row["stage"], bool(row["recording"]), row["reason"]
        together.setdefault(key, []).append(row["recording"] or row["trial"])
    return [
        f"{_KEPT.get(stage, 'left out') if recording else 'left out'} {', '.join(names)} ({stage}): {reason}"
        for (_, stage, recording, reason), names in together.items()
    ]


def _tell_faults(faults: Sequence[str]) -> None:
    """End with the status of a fault of viodat if there was one; the dataset is there, without what it cost."""
    cost = "The dataset is built without what it cost; the next build tries again."
    for fault in faults:
        print_error(f"no fault of your recordings: {fault}. {cost}")
    if faults:
        raise typer.Exit(3)
