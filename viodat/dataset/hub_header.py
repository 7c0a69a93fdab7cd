"""The YAML header of a dataset's README.md, by which the Hugging Face Hub and ``datasets.load_dataset(OUT)`` read it.

Each stream and table is a configuration of its own name. Streams have the dataset's splits; a table is one file, so it
has one split, :data:`TABLE_SPLIT`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq

from viodat.dataset import paths, schema
from viodat.dataset.licence import licence_id
from viodat.dataset.splits import SPLITS
from viodat.dataset.stream_schemas import STREAMS

TABLE_SPLIT: Final = "table"
DEFAULT: Final = "trials"

Files = Mapping[str, Mapping[str, str]]
"""By configuration and split: the pattern of its files."""


def header(files: Files, info: Mapping[str, Any]) -> str:
    """Give a header.

    Parameters
    ----------
    files
        By configuration and split: the pattern of its files, relative to the folder of README.md. For a dataset:
        :func:`files_of`.
    info
        dataset.json.
    """
    lines = [
        "---",
        f"pretty_name: {_text(info['name'] or 'A viodat dataset')}",
        f"license: {licence_id(info.get('licence') or '')}",
        "tags:",
        *(f"- {tag}" for tag in ("motion-capture", "pose-estimation", "music", "audio", "croissant", "viodat")),
        "configs:",
    ]
    for config, by_split in files.items():
        lines.append(f"- config_name: {config}")
        if config == DEFAULT:
            lines.append("  default: true")
        lines.append("  data_files:")
        for split, pattern in by_split.items():
            lines += [f"  - split: {split}", f"    path: {_text(pattern)}"]
    return "\n".join([*lines, "---", "", ""])


def files_of(folder: Path) -> Files:
    """Give the patterns of the files that a dataset has.

    Left out is what ``datasets`` cannot read: tables without rows, and tables with a map (participants).
    """
    return dict(_found(folder))


def _found(folder: Path) -> Iterator[tuple[str, dict[str, str]]]:
    for name, kind in schema.TABLES.items():
        if any(pa.types.is_map(field.type) for field in kind):
            continue
        if pq.read_metadata(folder / paths.table(name)).num_rows:
            yield name, {TABLE_SPLIT: paths.table(name)}
    for name in STREAMS:
        patterns = {split: f"{name}/split={split}/*/*.parquet" for split in SPLITS}
        if there := {split: pattern for split, pattern in patterns.items() if any(folder.glob(pattern))}:
            yield name, there


def _text(value: str) -> str:
    # A JSON text is a YAML text too.
    return json.dumps(value, ensure_ascii=False)
