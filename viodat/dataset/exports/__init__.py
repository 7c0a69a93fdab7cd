"""Other formats of a dataset: one module per format, one entry in :data:`FORMATS`."""

from __future__ import annotations

from viodat.dataset.exports.registry import DEFAULT, FORMATS, DatasetFormat, TrialFormat
from viodat.dataset.exports.takes import Exported, ExportOptions, Skipped

__all__ = ["DEFAULT", "FORMATS", "DatasetFormat", "ExportOptions", "Exported", "Skipped", "TrialFormat"]
