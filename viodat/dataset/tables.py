"""Between numpy arrays and Parquet files: NaN becomes null on the way in and NaN again on the way out.

One row group per file, zstd, written atomically. No time stamp of the writing enters a file: the same arrays give
the same bytes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from viodat.errors import DatasetError
from viodat.files import atomic_path


def write_arrays(path: Path, schema: pa.Schema, columns: Mapping[str, NDArray[Any] | None]) -> int:
    """Write one array per column.

    Parameters
    ----------
    path
        The Parquet file.
    schema
        Names, types and metadata; ``columns`` has exactly these names.
    columns
        (N, ...) arrays, NaN where missing, in the shape the field's metadata states; None for a column that is
        missing altogether (all null). Float arrays that meet an integer column are rounded.

    Returns
    -------
    int
        Number of rows N.
    """
    if set(columns) != set(schema.names):
        raise ValueError(f"columns {sorted(columns)} do not match the schema's {sorted(schema.names)}")
    rows = {len(values) for values in columns.values() if values is not None}
    if len(rows) != 1:
        raise ValueError(f"columns have different lengths: {sorted(rows)}")
    count = rows.pop()
    arrays = [_to_arrow(columns[field.name], field, count) for field in schema]
    _write(pa.Table.from_arrays(arrays, schema=schema), path)
    return count


def write_rows(path: Path, schema: pa.Schema, rows: Sequence[Mapping[str, Any]]) -> int:
    """Write a table from one mapping per row; a key that a row lacks is null. Returns the number of rows."""
    for row in rows:
        if unknown := set(row) - set(schema.names):
            raise ValueError(f"{path.name}: no column for {sorted(unknown)}")
    cleaned = [{key: _null_if_nan(value) for key, value in row.items()} for row in rows]
    _write(pa.Table.from_pylist(cleaned, schema=schema), path)
    return len(rows)


def read_arrays(path: Path, schema: pa.Schema) -> dict[str, NDArray[Any]]:
    """Read a file that :func:`write_arrays` wrote, as (N, ...) arrays with NaN where null.

    A nullable integer column comes back as float64 with NaN only if it holds a null; times are int64 otherwise.

    Raises
    ------
    DatasetError
        If the file is missing or damaged, or a column of ``schema`` is not in it.
    """
    table = read_table(path, schema.names)
    if missing := [name for name in schema.names if name not in table.schema.names]:
        raise DatasetError(
            f"column {missing[0]!r} is missing",
            where=path,
            mend="Run 'viodat check' on the dataset, or build it again.",
        )
    return {name: _from_arrow(table.column(name), schema.field(name)) for name in schema.names}


def read_table(path: Path, columns: Sequence[str] | None = None) -> pa.Table:
    """Read a Parquet file, or some of its columns, as an Arrow table; DatasetError if missing or damaged."""
    try:
        # Not through the dataset layer: the folder names split=... would come back as columns.
        return pq.ParquetFile(path).read(columns=columns)
    except FileNotFoundError:
        raise DatasetError(
            "is missing from the dataset", where=path, mend="Run 'viodat check' on the dataset."
        ) from None
    except (OSError, pa.ArrowException) as error:
        raise DatasetError(
            f"cannot be read as Parquet ({str(error).splitlines()[0]})",
            where=path,
            mend="Run 'viodat check' on the dataset, or build it again.",
        ) from error


def _write(table: pa.Table, path: Path) -> None:
    with atomic_path(path) as temporary:
        pq.write_table(table, temporary, compression="zstd", row_group_size=max(len(table), 1))


def _to_arrow(values: NDArray[Any] | None, field: pa.Field, count: int) -> pa.Array:
    if values is None:
        return pa.nulls(count, field.type)
    array = np.asarray(values)
    if not pa.types.is_fixed_size_list(field.type):
        return _flat(array, field.type)
    size = field.type.list_size
    if array.size != count * size:
        raise ValueError(f"{field.name}: expected {count} rows of {size} numbers, but got shape {array.shape}")
    return pa.FixedSizeListArray.from_arrays(_flat(array.reshape(-1), field.type.value_type), type=field.type)


def _flat(array: NDArray[Any], kind: pa.DataType) -> pa.Array:
    mask = np.isnan(array) if array.dtype.kind == "f" else None
    if mask is not None and pa.types.is_integer(kind):
        array = np.rint(np.where(mask, 0, array)).astype(np.int64)
    return pa.array(array, type=kind, mask=mask)


def _from_arrow(column: pa.ChunkedArray, field: pa.Field) -> NDArray[Any]:
    array = column.combine_chunks()
    shape: tuple[int, ...] = (len(array),)
    if pa.types.is_fixed_size_list(field.type):
        if array.null_count:
            # A wholly null list has no room in the flattened child: give it one of nulls.
            size = field.type.list_size
            present = np.asarray(array.is_valid())
            out = np.full((len(array), size), np.nan)
            out[present] = np.asarray(array.flatten().to_numpy(zero_copy_only=False), float).reshape(-1, size)
            flat: NDArray[Any] = out.astype(_numpy_kind(field.type.value_type))
        else:
            flat = _plain(array.values.slice(array.offset * field.type.list_size,
                                             len(array) * field.type.list_size))  # fmt: skip
        text = (field.metadata or {}).get(b"shape", str(field.type.list_size).encode()).decode()
        return flat.reshape(*shape, *(int(length) for length in text.split("x")))
    return _plain(array)


def _plain(array: pa.Array) -> NDArray[Any]:
    out: NDArray[Any] = array.to_numpy(zero_copy_only=False)
    if out.dtype == object and pa.types.is_boolean(array.type):
        return np.array([np.nan if value is None else float(value) for value in out])
    return out


def _numpy_kind(kind: pa.DataType) -> Any:
    return np.float32 if pa.types.is_float32(kind) else np.float64


def _null_if_nan(value: Any) -> Any:
    if isinstance(value, float) and np.isnan(value):
        return None
    if isinstance(value, np.ndarray):
        return [_null_if_nan(item) for item in value.tolist()]
    if isinstance(value, Mapping):
        return list(value.items())
    if isinstance(value, (list, tuple)):
        return [_null_if_nan(item) for item in value]
    return value
