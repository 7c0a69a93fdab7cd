"""``viodat models``."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.table import Table

from viodat.cli.console import print_json, print_table


def models(json: Annotated[bool, typer.Option("--json", help="Print the list as JSON.")] = False) -> None:
    """List the models that viodat bench knows, and how each can be trained."""
    from viodat.bench.recipe import recipe_names
    from viodat.bench.registry import find_model, list_models

    found = []
    for name in list_models():
        spec = find_model(name)
        recipes = recipe_names(spec.recipes) if spec.recipes is not None else ()
        found.append({"model": name, "title": spec.title, "source": spec.source, "recipes": list(recipes)})
    if json:
        print_json(found)
        return
    table = Table(box=None, pad_edge=False)
    for heading in ("model", "", "source", "recipes"):
        table.add_column(heading, no_wrap=heading == "model")
    for row in found:
        table.add_row(str(row["model"]), str(row["title"]), str(row["source"]), ", ".join(row["recipes"]))
    print_table(table)
