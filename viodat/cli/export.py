"""``viodat export``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from viodat.cli.console import out as console
from viodat.cli.console import print_json, print_warning, progress
from viodat.errors import counted

_SHOWN = 8


def export(
    out: Annotated[Path, typer.Argument(help="A dataset.")],
    to: Annotated[Path, typer.Option("--to", help="Folder of the files to make; files of the same name are replaced.")],
    format: Annotated[
        list[str] | None,
        typer.Option(
            "--format",
            help="trc, mot, c3d, csv, npz-v1, hf or lerobot; repeatable. hf and lerobot take a new folder for "
            "themselves. Without it, or as all: trc, mot and c3d.",
        ),
    ] = None,
    trial: Annotated[list[str] | None, typer.Option("--trial", help="Only this trial; repeatable.")] = None,
    up: Annotated[str, typer.Option("--up", help="Axis that is up in TRC files: y, as in OpenSim, or z.")] = "y",
    rate: Annotated[int, typer.Option("--rate", help="Frames per second of a LeRobot dataset.")] = 30,
    json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Write a dataset in other formats: TRC, MOT, C3D, CSV, VioDat v1.0's npz, Hugging Face, LeRobot."""
    from viodat.dataset.export import export_dataset
    from viodat.dataset.exports import DEFAULT
    from viodat.dataset.reader import open_dataset

    asked = dict.fromkeys(format or ("all",))
    formats = tuple(name for given in asked for name in (DEFAULT if given == "all" else (given,)))
    with progress("exporting", quiet=json) as show:
        result = export_dataset(open_dataset(out), to, formats, tuple(trial or ()), up=up, rate_hz=rate, progress=show)
    if json:
        print_json(
            {
                "to": str(to),
                "files": [str(file) for file in result.files],
                "skipped": [
                    {
                        "trial": item.trial,
                        "recording": item.recording,
                        "format": item.format,
                        "problem": item.error.problem,
                        "mend": item.error.mend,
                    }
                    for item in result.skipped
                ],
                "notes": list(result.notes),
            }
        )
        return
    reasons: dict[str, list[str]] = {}
    for item in result.skipped:
        reasons.setdefault(f"{item.error.problem}. {item.error.mend or ''}".rstrip(), []).append(
            item.recording or item.trial
        )
    for reason, names in reasons.items():
        told = list(dict.fromkeys(names))
        shown = ", ".join(told[:_SHOWN]) + (f" and {len(told) - _SHOWN} more" if len(told) > _SHOWN else "")
        print_warning(f"{shown}: {reason}")
    for note in result.notes:
        console.print(f"note: {note}", markup=False)
    made = f"{counted(len(result.files), 'file')} of {counted(len(result.trials), 'trial')}"
    console.print(f"wrote {made} in {to}", markup=False)
