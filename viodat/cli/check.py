"""``viodat check``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from viodat.cli.console import out as console
from viodat.cli.console import print_json, progress
from viodat.dataset.paths import DATASET_JSON, MANIFEST_NAME
from viodat.errors import counted

if TYPE_CHECKING:
    from viodat.build.checks import CheckReport

_STYLE = {"error": "bold red", "warning": "yellow", "note": "cyan"}


def check(
    path: Annotated[Path, typer.Argument(help="A raw capture or a dataset.")],
    config: Annotated[
        Path | None, typer.Option("--config", help="capture.toml, if it is not the capture's own.")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print the findings as JSON.")] = False,
) -> None:
    """Check a raw capture before any work is done, or a dataset against its manifest."""
    # A dataset that lost its dataset.json still has its manifest, and is no raw capture.
    is_dataset = any((path / name).is_file() for name in (DATASET_JSON, MANIFEST_NAME))
    good = _dataset(path, json) if is_dataset else _capture(path, config, json)
    raise typer.Exit(0 if good else 1)


def _dataset(path: Path, json: bool) -> bool:
    from viodat.dataset.manifest import FileState, verify

    with progress("checking", quiet=json) as show:
        result = verify(path, lambda done, total: show(done, total, "bytes"))
    if json:
        print_json({"ok": result.ok, "files": {name: str(state) for name, state in sorted(result.files.items())}})
        return result.ok
    for state in (FileState.CHANGED, FileState.MISSING, FileState.UNREADABLE, FileState.EXTRA):
        for name in result.having(state):
            console.print(f"{state}: {name}", markup=False)
    built = len(result.files) - len(result.having(FileState.EXTRA))
    console.print(f"{len(result.having(FileState.OK))} of {built} files are as they were built")
    if not result.ok:
        console.print("Copy the dataset again, or build it again: viodat build --raw RAW --out OUT")
    return result.ok


def _capture(path: Path, config: Path | None, json: bool) -> bool:
    from viodat.build.checks import Level, check_capture

    with progress("checking", quiet=json) as show:
        report = check_capture(path, config, show)
    if json:
        print_json(report.to_json())
    else:
        _print(report)
    return not report.having(Level.ERROR)


def _print(report: CheckReport) -> None:
    from viodat.build.checks import Level

    for line in report.understood:
        console.print(line, markup=False)
    for finding in report.findings:
        console.print(f"{finding.level}", style=_STYLE[finding.level], end=" ")
        console.print(f"[{finding.check}] {finding}", markup=False)
    reasons = {finding.check: finding.why for finding in report.findings if finding.level is not Level.NOTE}
    if reasons:
        console.print("why it matters:")
    for check, why in reasons.items():
        console.print(f"  {check}: {why}", markup=False)
    counts = ", ".join(counted(len(report.having(level)), str(level)) for level in Level)
    console.print(f"{counts}; {len(report.ignored)} ignored by capture.toml")
