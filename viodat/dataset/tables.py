"""Between numpy arrays and Parquet files: NaN becomes null on the way in and NaN again on the way out.

One row group per file, zstd, written atomically. No time stamp of the writing enters a file: the same arrays give
the same bytes.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from viodat.capture.spelling import shown
from viodat.dataset.schema import SCHEMA_VERSION, lacks
from viodat.errors import DatasetError
from viodat.files import atomic_path


def write_arrays(path: Path, schema: pa.Schema, columns: Mapping[str, NDArray[Any] | str | None]) -> int:
    """Write one array per column.

    Parameters
    ----------
    path
        The Parquet file.
    schema
        Names, types and metadata; ``columns`` has exactly these names.
    columns
        (N, ...) arrays, NaN where missing, in the shape the field's metadata states; a string for a column that
        has the same text in all rows; None for a column that is missing altogether (all null). Float arrays that
        meet an integer column are rounded.

    Returns
    -------
    int
        Number of rows N.

    Raises
    ------
    ValueError
        If names, lengths or shapes do not fit the schema, or a required column lacks a value.
    """
    if set(columns) != set(schema.names):
        raise ValueError(f"columns {sorted(columns)} do not match the schema's {sorted(schema.names)}")
    rows = {len(values) for values in columns.values() if isinstance(values, np.ndarray)}
    if len(rows) != 1:
        raise ValueError(f"columns have different lengths: {sorted(rows)}")
    count = rows.pop()
    arrays = [_to_arrow(columns[field.name], field, count) for field in schema]
    for field, array in zip(schema, arrays, strict=True):
        values = array.flatten() if pa.types.is_fixed_size_list(field.type) else array
        if not field.nullable and (array.null_count or values.null_count):
            raise ValueError(f"{field.name}: a required column lacks a value")
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


def read_arrays(
    path: Path,
    schema: pa.Schema,
    columns: Collection[str] | None = None,
    *,
    built_by: str = "another version",
    version: str = SCHEMA_VERSION,
) -> dict[str, NDArray[Any]]:
    """Read a file that :func:`write_arrays` wrote, as (N, ...) arrays with NaN where null.

    A nullable integer column comes back as float64 with NaN only if it holds a null; times are int64 otherwise.

    Parameters
    ----------
    path
        The Parquet file.
    schema
        What it holds.
    columns
        Names of the columns to read, the others are not decoded. None: all but those of text, which say in each row
        what the file's name says.
    built_by
        Version of viodat that built the dataset, for the message.
    version
        Schema version of the dataset: its files lack the columns that came later, which come back as NaN.

    Raises
    ------
    DatasetError
        If the file is missing or damaged, or a column of ``schema`` is not in it or of another type.
    """
    if columns is None:
        columns = [field.name for field in schema if not pa.types.is_string(field.type)]
    later = [field.name for field in schema if lacks(version, field)]
    older = pa.schema([field for field in schema if field.name not in later])
    table = read_table(path, older, [name for name in columns if name not in later], built_by=built_by)
    arrays = {}
    for name in columns:
        field = schema.field(name)
        column = pa.chunked_array([pa.nulls(len(table), field.type)]) if name in later else table.column(name)
        arrays[name] = _from_arrow(column, field)
    return arrays


def with_later_columns(table: pa.Table, schema: pa.Schema, version: str) -> pa.Table:
    """Add the columns that a dataset of an older schema version lacks, all null."""
    for field in schema:
        if lacks(version, field) and field.name not in table.column_names:
            table = table.append_column(field, pa.nulls(len(table), field.type))
    return table


def read_table(
    path: Path,
    schema: pa.Schema | None = None,
    columns: Collection[str] | None = None,
    *,
    built_by: str = "another version",
) -> pa.Table:
    """Read a Parquet file, or some of its columns, as an Arrow table.

    Parameters
    ----------
    path
        The Parquet file.
    schema
        What it must hold: all its columns, of the same types. More are allowed. None: nothing is checked.
    columns
        Names of the columns to read. None: all.
    built_by
        Version of viodat that built the dataset, for the message.

    Raises
    ------
    DatasetError
        If the file is missing or damaged, or does not hold ``schema``.
    """
    try:
        # Not through the dataset layer: the folder names split=... would come back as columns. One thread: files
        # are small, and the workers of a DataLoader share the cores already.
        with pq.ParquetFile(path) as file:
            if schema is not None:
                _check_columns(file.schema_arrow, schema, path, built_by)
            table = file.read(columns=None if columns is None else list(columns), use_threads=False)
        if columns is None:
            # Parquet does not look into texts: damaged ones would fail later, as UnicodeDecodeError.
            table.validate(full=True)
        return table
    except FileNotFoundError:
        raise DatasetError(
            "is missing from the dataset", where=path, mend="Run 'viodat check' on the dataset."
        ) from None
    except (OSError, pa.ArrowException, ValueError) as error:
        raise DatasetError(
            f"cannot be read as Parquet ({shown(str(error) or type(error).__name__, longest=200)})",
            where=path,
            mend="Run 'viodat check' on the dataset, or build it again.",
        ) from error


def _check_columns(found: pa.Schema, expected: pa.Schema, path: Path, built_by: str) -> None:
    for field in expected:
        if field.name not in found.names:
            what = f"without column {field.name!r}, which this version reads"
        elif (kind := found.field(field.name).type) != field.type:
            what = f"with column {field.name!r} of type {kind}; this version reads {field.type}"
        else:
            continue
        raise DatasetError(
            f"was built by viodat {built_by} {what}",
            where=path,
            mend="Build it again: viodat build --raw RAW --out OUT.",
        )


def _write(table: pa.Table, path: Path) -> None:
    with atomic_path(path) as temporary:
        pq.write_table(table, temporary, compression="zstd", row_group_size=max(len(table), 1))


def _to_arrow(values: NDArray[Any] | str | None, field: pa.Field, count: int) -> pa.Array:
    if values is None:
        return pa.nulls(count, field.type)
    if isinstance(values, str):
        return pa.repeat(pa.scalar(values, field.type), count)
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
    if mask is not None and pa.types.is_boolean(kind):
        array = np.where(mask, 0, array).astype(bool)
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
