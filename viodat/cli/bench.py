"""``viodat bench``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer
from rich.table import Table

from viodat.cli.console import out as console
from viodat.cli.console import print_json, print_warning, progress
from viodat.errors import ConfigError, counted

if TYPE_CHECKING:
    from viodat.bench.run import Run
    from viodat.bench.scores import Scores

_ALL: Final = "all"
_FLOORS: Final = ("mean-pose", "ridge", "tcn")
_SHOWN: Final = ("mpjpe", "p_mpjpe", "mpjve", "mpjae", "dtw", "vibrato_band_error")
_COMPARED: Final = "mpjpe"


def bench(
    data: Annotated[Path, typer.Option("--data", help="A dataset.")] = Path("out"),
    model: Annotated[
        list[str] | None,
        typer.Option("--model", help="A model by name, or as package.module:NAME; repeatable. Without it: the floors."),
    ] = None,
    runs: Annotated[
        Path | None, typer.Option("--runs", help="Where runs are kept; else .NAME.runs beside the dataset.")
    ] = None,
    recipe: Annotated[str, typer.Option("--recipe", help="How networks are trained: quick or paper.")] = "quick",
    protocol: Annotated[
        str, typer.Option("--protocol", help="Under which conventions: a name, a .toml file, or all.")
    ] = "viopose",
    seed: Annotated[list[int] | None, typer.Option("--seed", help="Of the training; repeatable. [default: 0]")] = None,
    device: Annotated[str, typer.Option("--device", help="cpu or cuda.")] = "cpu",
    max_minutes: Annotated[
        float, typer.Option("--max-minutes", help="Per training; the same command goes on afterwards.")
    ] = 0.0,
    json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Train models on a dataset and score them under one protocol."""
    from viodat.bench.protocol import list_protocols, load_protocol
    from viodat.bench.run import open_store, run_model
    from viodat.bench.scores import score

    protocols = [load_protocol(name) for name in (list_protocols() if protocol == _ALL else (protocol,))]
    if device not in ("cpu", "cuda"):
        raise ConfigError(f"--device {device}: expected cpu or cuda")
    if max_minutes < 0:
        raise ConfigError(f"--max-minutes {max_minutes:g}: expected minutes above 0, or 0 for no limit")
    place = runs or data.resolve().with_name(f".{data.resolve().name}.runs")
    with progress("dataset", quiet=json) as show:
        store = open_store(data, place, shown=show)
    found: list[Run] = []
    for name in model or _FLOORS:
        for one in seed or [0]:
            with progress(f"{name}", quiet=json) as show:
                run = run_model(
                    name,
                    store,
                    place,
                    recipe=recipe,
                    seed=one,
                    device=device,
                    max_minutes=max_minutes or float("inf"),
                    flipped=protocols[0].flipped,
                    shown=show,
                )
            if run is None:
                print_warning(f"the time for {name} is up; the same command goes on")
            else:
                found.append(run)
    scored = [(chosen, [(run, score(run.poses, chosen)) for run in found]) for chosen in protocols]
    if json:
        print_json({chosen.name: _as_json(chosen.card(), rows) for chosen, rows in scored})
        return
    for chosen, rows in scored:
        if rows:
            console.print(_table(rows))
            console.print(chosen.sentence(), markup=False)
    if scored[0][1]:
        _tell_comparisons(scored[0][1])
        people = len(scored[0][1][0][1].participants)
        recordings = len(scored[0][1][0][1].recordings)
        console.print(
            f"{counted(recordings, 'test recording')} of {counted(people, 'participant')}; runs: {place}", markup=False
        )


def _table(rows: list[tuple[Run, Scores]]) -> Table:
    from viodat.metrics import get_metric

    table = Table(box=None, pad_edge=False)
    table.add_column("model")
    for name in _SHOWN:
        table.add_column(f"{name}\n{get_metric(name).unit}", justify="right")
    table.add_column("trained\ns", justify="right")
    for run, scores in rows:
        label = f"{run.title} ({run.recipe}, seed {run.seed})" if run.recipe else run.title
        values = (f"{scores.overall[name]:.2f}" for name in _SHOWN)
        table.add_row(label, *values, f"{run.trained_s:.1f}")
    return table


def _tell_comparisons(rows: list[tuple[Run, Scores]]) -> None:
    from viodat.bench.run import compared
    from viodat.bench.statistics import compare_all

    values = compared([run for run, _ in rows], [scores for _, scores in rows], _COMPARED)
    for one in compare_all(values):
        console.print(f"MPJPE: {one.sentence()}", markup=False)


def _as_json(card: dict[str, Any], rows: list[tuple[Run, Scores]]) -> dict[str, Any]:
    from viodat.bench.run import to_json

    return {
        "protocol": card,
        "runs": [
            {
                **to_json(run),
                "overall": scores.overall,
                "participants": scores.participants,
                "recordings": scores.recordings,
                "joints": scores.by_joint,
                "groups": scores.by_group,
            }
            for run, scores in rows
        ],
    }
