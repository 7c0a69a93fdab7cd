"""The command line: one module per verb, no logic of its own."""

from __future__ import annotations

from viodat.cli.app import main

__all__ = ["main"]
