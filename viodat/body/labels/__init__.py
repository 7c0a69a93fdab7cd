"""What is wrong with a trial's labels: exchanged sides and neighbours, ghosts, duplicates, spikes; found and repaired.

mm, frames of the C3D file. docs/science/labels.md says how each is found, with every threshold and what was measured.
"""

from __future__ import annotations

from viodat.body.labels.repair import repair_labels
from viodat.body.labels.report import LabelFault, LabelFaultKind, LabelReport

__all__ = ["LabelFault", "LabelFaultKind", "LabelReport", "repair_labels"]
