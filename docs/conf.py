"""Sphinx configuration: Markdown pages, numpydoc reference."""

from __future__ import annotations

from viodat import __version__

project = "viodat"
author = "The viodat developers"
project_copyright = "2026, The viodat developers"
release = __version__

extensions = ["myst_parser", "numpydoc", "sphinx.ext.autodoc", "sphinx.ext.autosummary"]
exclude_patterns = ["_build"]
html_theme = "furo"
html_title = f"viodat {release}"

myst_enable_extensions = ["dollarmath", "deflist"]
myst_heading_anchors = 3
numpydoc_show_class_members = False
nitpicky = False
