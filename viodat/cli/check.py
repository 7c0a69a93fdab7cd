"""``viodat check``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from viodat.cli.console import out as console
from viodat.cli.console import print_json, progress
from viodat.dataset.paths import DATASET_JSON, MANIFEST_NAME
from viodat.errors import DatasetError, counted

if TYPE_CHECKING:
    from viodat.build.checks import CheckReport, Finding
    from viodat.dataset.manifest import Verification
    from viodat.dataset.recheck import SplitCheck

_SHOWN = 3
"""Of so many places that a finding is about each is named; ``--json`` has all."""

_STYLE = {"error": "bold red", "warning": "yellow", "note": "cyan"}


def check(
    path: Annotated[Path, typer.Argument(help="A raw capture or a dataset.")],
    config: Annotated[
        Path | None, typer.Option("--config", help="capture.toml, if it is not the capture's own.")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print the findings as JSON.")] = False,
) -> None:
    """Check a raw capture before any work is done, or a dataset: its files, and its splits anew from these."""
    # A dataset that lost its dataset.json still has its manifest, and is no raw capture.
    is_dataset = any((path / name).is_file() for name in (DATASET_JSON, MANIFEST_NAME))
    good = _dataset(path, json) if is_dataset else _capture(path, config, json)
    raise typer.Exit(0 if good else 1)


def _dataset(path: Path, json: bool) -> bool:
    from viodat.dataset.manifest import verify
    from viodat.dataset.reader import open_dataset
    from viodat.dataset.recheck import SplitCheck, check_splits

    with progress("reading", quiet=json) as show:
        result = verify(path, lambda done, total: show(done, total, "bytes"))
    try:
        with progress("checking splits", quiet=json) as show:
            splits = check_splits(open_dataset(path), show)
    except DatasetError as error:
        splits = SplitCheck(None, (f"the splits cannot be checked: {error}",), ())
    good = result.ok and splits.ok
    if json:
        files = {name: str(state) for name, state in sorted(result.files.items())}
        print_json({"ok": good, "files": files, "faults": dict(result.faults), "splits": splits.to_json()})
        return good
    _print_files(result)
    _print_splits(splits)
    return good


def _print_files(result: Verification) -> None:
    from viodat.dataset.manifest import FileState

    for state in (FileState.CHANGED, FileState.MISSING, FileState.UNREADABLE, FileState.EXTRA):
        for name in result.having(state):
            fault = result.faults.get(name)
            console.print(f"{state}: {name} {fault}" if fault else f"{state}: {name}", markup=False)
    built = len(result.files) - len(result.having(FileState.EXTRA))
    console.print(f"{len(result.having(FileState.OK))} of {built} files are as they were built")
    if not result.ok:
        console.print("Copy the dataset again, or build it again: viodat build --raw RAW --out OUT")


def _print_splits(splits: SplitCheck) -> None:
    for level, texts in (("error", splits.errors), ("note", splits.notes)):
        for text in texts:
            console.print(level, style=_STYLE[level], end=" ")
            console.print(text, markup=False)
    if splits.certificate is not None:
        kept = [name for name, statement in splits.certificate.statements.items() if statement.holds]
        console.print(f"kept apart by the splits: {', '.join(kept) or 'nothing that is known'}", markup=False)


def _capture(path: Path, config: Path | None, json: bool) -> bool:
    from viodat.build.checks import Level, check_capture

    with progress("checking", quiet=json) as show:
        report = check_capture(path, config, show)
    if json:
        print_json(report.to_json())
    else:
        _print(report)
    return not report.having(Level.ERROR)


def _grouped(report: CheckReport) -> list[tuple[Finding, list[str]]]:
    """Put findings that say the same of several places together, in the order of the first of each."""
    found: dict[tuple[str, str, str], tuple[Finding, list[str]]] = {}
    for finding in report.findings:
        found.setdefault((finding.check, finding.problem, finding.mend), (finding, []))[1].append(finding.where)
    return list(found.values())


def _print(report: CheckReport) -> None:
    from viodat.build.checks import Level

    for line in report.understood:
        console.print(line, markup=False)
    for finding, places in _grouped(report):
        console.print(f"{finding.level}", style=_STYLE[finding.level], end=" ")
        more = f" and {len(places) - _SHOWN} more" if len(places) > _SHOWN else ""
        where = ", ".join(places[:_SHOWN]) + more
        console.print(f"[{finding.check}] {where}: {finding.problem}. {finding.mend}", markup=False)
    reasons = {finding.check: finding.why for finding in report.findings if finding.level is not Level.NOTE}
    if reasons:
        console.print("why it matters:")
    for check, why in reasons.items():
        console.print(f"  {check}: {why}", markup=False)
    counts = ", ".join(counted(len(report.having(level)), str(level)) for level in Level)
    console.print(f"{counts}; {len(report.ignored)} ignored by capture.toml")
