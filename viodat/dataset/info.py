"""dataset.json: what a dataset says of itself, checked before anything else of it is read."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

from viodat.dataset import paths, schema
from viodat.dataset.json_schema import first_fault
from viodat.errors import DatasetError
from viodat.joints import JOINTS

_LONGEST: Final = 60
_REBUILD: Final = "Build it again: viodat build --raw RAW --out OUT."


def read_info(folder: Path) -> dict[str, Any]:
    """Read dataset.json.

    Parameters
    ----------
    folder
        The dataset.

    Raises
    ------
    DatasetError
        If there is none, it is damaged, its schema is of another major version, a key is missing or holds what
        dataset.schema.json does not admit, or its joints are not viodat's in their order.
    """
    file = folder / paths.DATASET_JSON
    try:
        info = json.loads(file.read_text(encoding="utf-8"))
        version = str(info["schema_version"])
        major, _ = schema.version_number(version)
    except (FileNotFoundError, NotADirectoryError):
        what = "is not a viodat dataset (no dataset.json)" if folder.exists() else "does not exist"
        raise DatasetError(what, where=folder, mend="Build one: viodat build --raw RAW --out OUT.") from None
    except (ValueError, KeyError, TypeError, OSError, RecursionError) as error:
        raise DatasetError(f"is damaged ({type(error).__name__}: {error})", where=file, mend=_REBUILD) from error
    _check_major(folder, version, major)
    if fault := first_fault(info):
        raise _refused(file, info, *fault)
    if info["joints"] != list(JOINTS):
        raise DatasetError(
            f"lists other joints, or in another order, than the {len(JOINTS)} that viodat reads",
            where=file,
            mend=_REBUILD,
        )
    return dict(info)


def _refused(file: Path, info: dict[str, Any], place: str, value: Any, expected: str) -> DatasetError:
    if expected == "missing":
        built_by = info.get("viodat_version", "of an unknown version")
        return DatasetError(f"was built by viodat {built_by} without key {place!r}", where=file, mend=_REBUILD)
    found = repr(value)
    shown = found if len(found) <= _LONGEST else f"{found[:_LONGEST]}..."
    return DatasetError(f"key {place!r} is {shown}; expected: {expected}", where=file, mend=_REBUILD)


def _check_major(folder: Path, version: str, major: int) -> None:
    reads, _ = schema.version_number(schema.SCHEMA_VERSION)
    if major > reads:
        raise DatasetError(
            f"has schema version {version}, newer than the {schema.SCHEMA_VERSION} that this viodat reads",
            where=folder,
            mend="Install the newer viodat: pip install --upgrade viodat.",
        )
    if major < reads:
        raise DatasetError(
            f"has schema version {version}, older than the {schema.SCHEMA_VERSION} that this viodat reads",
            where=folder,
            mend=_REBUILD,
        )
