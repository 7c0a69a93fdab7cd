"""Gap filling: from a trial with holes to one whose every filled sample says how it was made and how wrong it may be.

``fill.py`` is the whole of it, in order: ``find`` the gaps, choose ``mates``, let the ``fillers`` try artificial gaps,
``choose`` by their errors. The method, its limits and its measured errors stand in docs/science/gaps.md.
"""

from __future__ import annotations

from viodat.body.gaps.fill import fill_gaps
from viodat.body.gaps.result import FilledTrial, FillMethod, GapReport, MarkerGaps

__all__ = ["FillMethod", "FilledTrial", "GapReport", "MarkerGaps", "fill_gaps"]
