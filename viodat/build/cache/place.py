"""Where a build's cache lies: beside the dataset, where the user says, or nowhere that lasts."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from viodat.build.cache.store import Store
from viodat.errors import ConfigError

_LONGEST_BUILD_S: Final = 14 * 24 * 3600.0


def default_cache(out: Path) -> Path:
    """Give the folder of the cache of a dataset: ``.NAME.cache`` beside it."""
    target = out.resolve()
    return target.with_name(f".{target.name}.cache")


@contextlib.contextmanager
def cache_of(cache: str | Path | None, raw: Path, out: Path, staging: Path, *, kept: bool) -> Iterator[Store]:
    """Give the cache of a build.

    Parameters
    ----------
    cache
        As the user says; None for the folder beside the dataset.
    raw, out, staging
        The capture, the dataset, and the folder that it is made in.
    kept
        False: an empty cache, which is gone afterwards.

    Raises
    ------
    ConfigError
        It would lie within the capture or the dataset, or is no place that can be opened.
    """
    if not kept:
        place = staging / ".cache"
        try:
            yield Store(place)
        finally:
            shutil.rmtree(place, ignore_errors=True)
        return
    store = Store(cache if cache is not None else default_cache(out))
    for what, folder in (("--raw", raw.resolve()), ("--out", out.resolve())):
        if store.folder is not None and store.folder.resolve().is_relative_to(folder):
            raise ConfigError(f"--cache {store.url} lies within {what} {folder}", mend="Choose another folder for it.")
    # Whoever builds this dataset has the cache beside it for himself; another may be in use by others.
    store.sweep(0.0 if cache is None else _LONGEST_BUILD_S)
    yield store
