"""Changes to a dataset that a test needs, with a manifest that fits."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from viodat.dataset import paths, schema
from viodat.dataset.manifest import write_manifest
from viodat.dataset.tables import write_rows


def change_rows(folder: Path, table: str, change: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
    """Write a table again with other rows."""
    file = folder / paths.table(table)
    write_rows(file, schema.TABLES[table], [change(row) for row in pq.read_table(file).to_pylist()])
    write_manifest(folder, {})


def change_table(file: Path, change: Callable[[pa.Table], pa.Table]) -> None:
    """Write a Parquet file again; its manifest is the caller's."""
    with pq.ParquetFile(file) as found:
        table = found.read()
    pq.write_table(change(table), file)
