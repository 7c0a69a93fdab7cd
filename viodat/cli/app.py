"""The ``viodat`` program: its verbs, and what becomes of an error.

A verb imports what it needs when it runs: ``viodat --help`` must not wait for the libraries of ``viodat build``.

Exit status: 0 done, 1 a check found something or nothing could be built, 2 the command or its input is wrong,
130 interrupted.
"""

from __future__ import annotations

import warnings
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

import viodat
from viodat.cli import build, check, demo, info
from viodat.cli.console import print_error, print_warning
from viodat.errors import ViodatError, ViodatWarning


def _print_version(wanted: bool) -> None:
    if wanted:
        print(viodat.__version__)
        raise typer.Exit


class _Program(TyperGroup):
    """The verbs, with an end to every mistake: one line and an exit status, never a traceback."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except ViodatError as error:
            if ctx.params["debug"]:
                raise
            print_error(error)
            raise typer.Exit(2) from error
        except KeyboardInterrupt:
            print_warning("interrupted; what stood in the output folder before is as it was")
            raise typer.Exit(130) from None


app = typer.Typer(
    name="viodat",
    cls=_Program,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.command("build")(build.build)
app.command("check")(check.check)
app.command("info")(info.info)
app.command("demo")(demo.demo)


@app.callback()
def _options(
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")] = False,
    version: Annotated[
        bool, typer.Option("--version", help="Print the version and stop.", is_eager=True, callback=_print_version)
    ] = False,
) -> None:
    """Datasets and benchmarks for the 4D pose of musicians at work."""


def main() -> None:
    """Run the program and end the process with its exit status."""
    warnings.showwarning = _show_warning
    warnings.simplefilter("always", ViodatWarning)
    app()


def _show_warning(
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    file: object = None,
    line: object = None,
) -> None:
    if issubclass(category, ViodatWarning):
        print_warning(str(message))
