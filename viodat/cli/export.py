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
        list[str] | None, typer.Option("--format", help="trc, mot, c3d or all; repeatable. Without it: all.")
    ] = None,
    trial: Annotated[list[str] | None, typer.Option("--trial", help="Only this trial; repeatable.")] = None,
    up: Annotated[str, typer.Option("--up", help="Axis that is up in TRC files: y, as in OpenSim, or z.")] = "y",
    json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Write joint centres and joint angles as TRC, MOT (OpenSim) and C3D files."""
    from viodat.dataset.export import FORMATS, export_dataset
    from viodat.dataset.reader import open_dataset

    formats = FORMATS if not format or "all" in format else tuple(format)
    with progress("exporting", quiet=json) as show:
        result = export_dataset(open_dataset(out), to, formats, tuple(trial or ()), up=up, progress=show)
    if json:
        print_json(
            {
                "to": str(to),
                "files": [str(file) for file in result.files],
                "skipped": [
                    {"trial": item.trial, "format": item.format, "problem": item.error.problem, "mend": item.error.mend}
                    for item in result.skipped
                ],
            }
        )
        return
    reasons: dict[str, list[str]] = {}
    for item in result.skipped:
        reasons.setdefault(f"{item.error.problem}. {item.error.mend or ''}".rstrip(), []).append(item.trial)
    for reason, names in reasons.items():
        told = list(dict.fromkeys(names))
        shown = ", ".join(told[:_SHOWN]) + (f" and {len(told) - _SHOWN} more" if len(told) > _SHOWN else "")
        print_warning(f"{shown}: {reason}")
    trials = {file.stem for file in result.files}
    console.print(
        f"wrote {counted(len(result.files), 'file')} of {counted(len(trials), 'trial')} in {to}", markup=False
    )
