"""Sphinx configuration: Markdown pages, numpydoc reference."""

from __future__ import annotations

import re
from typing import Any

from viodat import __version__

project = "viodat"
author = "The viodat developers"
project_copyright = "2026, The viodat developers"
release = __version__

extensions = ["myst_parser", "numpydoc", "sphinx.ext.autodoc", "sphinx.ext.autosummary"]
exclude_patterns = ["_build"]
html_theme = "furo"
html_title = f"viodat {release}"
html_static_path = ["_static"]
html_css_files = ["viodat.css"]

myst_enable_extensions = ["deflist"]
myst_heading_anchors = 3
numpydoc_show_class_members = False
nitpicky = False


def _plain_bars(app: Any, what: str, name: str, target: Any, options: Any, lines: list[str]) -> None:
    """Keep what docstrings write for people from being read as markup: |x| is a length, and a literal may end blank."""
    for number, line in enumerate(lines):
        if not line.lstrip().startswith((">>>", "...", "|")):
            parts = re.split(r"(``.*?``)", line.replace("``none: ``", "``none:``"))
            lines[number] = "".join(part if part.startswith("``") else part.replace("|", r"\|") for part in parts)


def setup(app: Any) -> None:
    """Register the hook; before numpydoc, which adds markup of its own."""
    app.connect("autodoc-process-docstring", _plain_bars, priority=100)
