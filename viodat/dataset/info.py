"""dataset.json: what a dataset says of itself, checked before anything else of it is read."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

from viodat.dataset import paths, schema
from viodat.errors import DatasetError
from viodat.joints import JOINTS

_KEYS: Final[dict[str, type | tuple[type, ...]]] = {
    "name": (str, type(None)),
    "viodat_version": str,
    "joints": list,
    "units": dict,
    "feature_rates_hz": list,
}
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
        If there is none, it is damaged, its schema is of another major version, a key is missing, or its joints
        are not viodat's in their order.
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
    for key, kind in _KEYS.items():
        if key not in info:
            built_by = info.get("viodat_version", "of an unknown version")
            raise DatasetError(f"was built by viodat {built_by} without key {key!r}", where=file, mend=_REBUILD)
        if not isinstance(info[key], kind):
            raise DatasetError(f"key {key!r} is {info[key]!r}", where=file, mend=_REBUILD)
    if info["joints"] != list(JOINTS):
        raise DatasetError(
            f"lists other joints, or in another order, than the {len(JOINTS)} that viodat reads",
            where=file,
            mend=_REBUILD,
        )
    if wrong := [rate for rate in info["feature_rates_hz"] if not isinstance(rate, int)]:
        raise DatasetError(f"key 'feature_rates_hz' holds {wrong[0]!r}", where=file, mend=_REBUILD)
    return dict(info)


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
