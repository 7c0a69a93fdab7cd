"""A simulated lab: a violinist with known truth, recorded in the real file formats.

It imports none of the estimators nor the readers, so what is measured against its truth is measured against
code that knows nothing of them.
"""

from __future__ import annotations

from viodat.synth.options import FAULTS, TwinOptions, viodat_scale
from viodat.synth.twin import TwinSummary, write_twin

__all__ = ["FAULTS", "TwinOptions", "TwinSummary", "viodat_scale", "write_twin"]
