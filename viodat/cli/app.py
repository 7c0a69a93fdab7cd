"""The ``viodat`` program: its verbs, and what becomes of an error.

A verb imports what it needs when it runs: ``viodat --help`` must not wait for the libraries of ``viodat build``.

Exit status: 0 done, 1 a check found an error or two datasets differ, 2 the command or its input is wrong and nothing
was made, 3 a fault of viodat, 130 interrupted.
"""

from __future__ import annotations

import io
import os
import sys
import warnings
from typing import Annotated, Any, Final

import typer
from typer.core import TyperGroup

import viodat
from viodat.cli import bench, build, check, compare, demo, diff, export, import_, info, migrate, models, synth, why
from viodat.cli.console import print_error, print_json, print_warning
from viodat.errors import ViodatError, ViodatWarning


def _print_version(wanted: bool) -> None:
    if wanted:
        print(viodat.__version__)
        raise typer.Exit


# Some versions of typer carry a click of their own: its errors are found through one that typer gives.
_HANDLED: Final = (
    typer.Exit,
    typer.Abort,
    *(kind for kind in typer.BadParameter.__mro__ if kind.__name__ == "ClickException"),
)


class _Program(TyperGroup):
    """The verbs, with an end to every mistake: one line and an exit status, never a traceback."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except ViodatError as error:
            if ctx.params["debug"]:
                raise
            if "--json" in sys.argv:
                print_json({"error": {"problem": error.problem, "where": error.where, "mend": error.mend}})
            print_error(str(error))
            raise typer.Exit(2) from error
        except KeyboardInterrupt:
            print_warning("interrupted; what was there before is as it was, and the same command can be given again")
            raise typer.Exit(130) from None
        except BrokenPipeError:
            # Whoever read the output has had enough; the interpreter must not find the pipe broken once more.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            raise typer.Exit(0) from None
        except Exception as error:
            if ctx.params["debug"] or isinstance(error, _HANDLED):
                raise
            print_error(f"unexpected {type(error).__name__}: {error}. Please report this; viodat --debug shows where.")
            raise typer.Exit(3) from error


app = typer.Typer(
    name="viodat",
    cls=_Program,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.command("bench")(bench.bench)
app.command("compare")(compare.compare)
app.command("build")(build.build)
app.command("check")(check.check)
app.command("info")(info.info)
app.command("why")(why.why)
app.command("export")(export.export)
app.command("import")(import_.import_)
app.command("migrate")(migrate.migrate)
app.command("models")(models.models)
app.command("diff")(diff.diff)
app.command("demo")(demo.demo)
app.command("synth")(synth.synth)


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
    for stream in (sys.stdout, sys.stderr):
        # A terminal may not know a letter, and a folder's name may have bytes that are none.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
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
