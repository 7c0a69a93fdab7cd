"""What an import of VioDat v1.0 gathers while it writes."""

from __future__ import annotations

from dataclasses import dataclass, field

from viodat.dataset.importers.output import Output


@dataclass
class ReleaseOutput(Output):
    """An output that also knows how well cameras and clocks could be found."""

    camera_errors_px: list[float] = field(default_factory=list)
    placing_errors_mm: list[float] = field(default_factory=list)
