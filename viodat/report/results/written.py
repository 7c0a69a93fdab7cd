"""Page, Markdown and JSON of results in a folder."""

from __future__ import annotations

import json
from pathlib import Path

from viodat.files import write_text
from viodat.report.results.markdown import results_markdown
from viodat.report.results.page import results_page
from viodat.report.results.values import Results, plain


def write_results(results: Results, folder: Path) -> Path:
    """Write ``index.html``, ``results.md`` and ``results.json`` to a folder, each atomically.

    Parameters
    ----------
    results
        As :func:`viodat.report.results.results_page` takes them. In the JSON, NaN and infinities are null.
    folder
        Is made if it is not there.

    Returns
    -------
    Path
        The page.
    """
    page = folder / "index.html"
    # The page is last: who sees it finds the others.
    write_text(folder / "results.json", _json(results))
    write_text(folder / "results.md", results_markdown(results))
    write_text(page, results_page(results))
    return page


def _json(results: Results) -> str:
    # One line per key: long arrays stay on one line, and a change of notes is a change of one line.
    lines = [f"{json.dumps(str(key))}: {json.dumps(value, allow_nan=False)}" for key, value in plain(results).items()]
    return "{\n" + ",\n".join(lines) + "\n}\n"
