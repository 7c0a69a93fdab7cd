"""Published data in viodat's own schema: one module per format, one entry in :data:`IMPORTERS`.

An importer writes a whole dataset into an empty folder, the manifest last. What the published data do not hold stays
null, and the card says so.
"""

from __future__ import annotations

from viodat.dataset.importers.options import Imported, ImportOptions
from viodat.dataset.importers.registry import IMPORTERS, Importer, import_published

__all__ = ["IMPORTERS", "ImportOptions", "Imported", "Importer", "import_published"]
