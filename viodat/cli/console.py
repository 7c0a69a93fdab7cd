"""What the verbs print: results on standard output, everything else on standard error."""

from __future__ import annotations

import contextlib
import json
import math
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TextColumn,
    TimeRemainingColumn,
)
from rich.table import Table
from rich.text import Text

_SECONDS_BETWEEN_LINES = 2.0
_RATE_OVER_S = 900.0
_TABLE_WIDTH = 140

out = Console(highlight=False, soft_wrap=True)
err = Console(stderr=True, highlight=False, soft_wrap=True)


def print_error(text: str) -> None:
    """One line on standard error."""
    err.print("error:", style="bold red", end=" ")
    err.print(text, markup=False)


def print_warning(text: str) -> None:
    """One line on standard error."""
    err.print("warning:", style="yellow", end=" ")
    err.print(text, markup=False)


def print_table(table: Table) -> None:
    """Print a table on standard output, as wide as the terminal; what is no terminal has room."""
    Console(file=out.file, width=table_width(), highlight=False).print(table)


def table_width() -> int:
    """Give how many letters a line of a table may have."""
    return out.width if out.is_terminal else _TABLE_WIDTH


def print_json(value: Any) -> None:
    """One JSON document on standard output; a number that is not finite is null."""
    print(json.dumps(_finite(value), indent=1, allow_nan=False))


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


@contextlib.contextmanager
def progress(title: str, *, quiet: bool = False) -> Iterator[Callable[[int, int, str], None]]:
    """Give a function (done, total, what) that shows progress: a bar on a terminal, plain lines elsewhere."""
    if quiet:
        yield lambda done, total, what: None
        return
    if not err.is_terminal:
        yield _plain_lines(title)
        return
    columns = (
        TextColumn("[bold]{task.fields[title]}"),
        BarColumn(),
        MofNCompleteColumn(),
        _Rate(),
        TimeRemainingColumn(),
        TextColumn("{task.description}", markup=False),
    )
    with Progress(*columns, console=err, speed_estimate_period=_RATE_OVER_S) as bar:
        task = bar.add_task("", total=None, title=title)
        before = None

        def show(done: int, total: int, what: str) -> None:
            nonlocal before
            if before is None or done < before:
                # Another round begins, with what was done before it: none of that says how fast this one is.
                bar.reset(task, total=total, completed=done, description=what)
            else:
                bar.update(task, completed=done, total=total, description=what)
            before = done

        yield show


class _Rate(ProgressColumn):
    """How many are done per minute."""

    def render(self, task: Task) -> Text:
        return Text(f"{task.speed * 60:.1f}/min" if task.speed else "", style="progress.data.speed")


def _plain_lines(title: str) -> Callable[[int, int, str], None]:
    last = 0.0

    def line(done: int, total: int, what: str) -> None:
        nonlocal last
        now = time.monotonic()
        if done == total or now - last >= _SECONDS_BETWEEN_LINES:
            last = now
            print(f"{title} {done}/{total} {what}", file=sys.stderr, flush=True)

    return line
