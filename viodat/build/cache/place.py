"""Where a build's cache lies: beside the dataset, where the user says, or nowhere that lasts."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterator
from pathlib import Path

from viodat.build.cache.store import Store
from viodat.errors import ConfigError


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
    if cache is None:
        # Whoever builds this dataset has it for himself.
        store.sweep()
    yield store
