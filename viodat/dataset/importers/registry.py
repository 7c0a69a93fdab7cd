"""The formats that ``viodat import`` reads, by name."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final

from viodat.dataset.importers.options import Imported, ImportOptions, Progress
from viodat.dataset.importers.viodat_v1 import import_viodat_v1
from viodat.errors import ConfigError, DatasetError

Importer = Callable[[Path, Path, ImportOptions, Progress], Imported]
"""Called with the published file or folder, an empty folder to write the dataset in, the options and the progress."""

IMPORTERS: Final[dict[str, Importer]] = {"viodat-v1": import_viodat_v1}


def import_published(
    name: str,
    source: Path,
    folder: Path,
    options: ImportOptions | None = None,
    progress: Progress = lambda done, total, what: None,
) -> Imported:
    """Write published data as a dataset.

    Parameters
    ----------
    name
        The format, one of :data:`IMPORTERS`.
    source
        The published file; it is only read.
    folder
        An empty folder. If this raises, what is in it is no dataset: it has no manifest.
    options
        What to take of it.
    progress
        Called as the work goes on.

    Raises
    ------
    ConfigError
        If there is no such format, or the folder is not empty.
    CaptureError
        If a published file is damaged, holds what it should not, or is not of this format.
    DatasetError
        If nothing of it can be imported, or the folder cannot be written.
    """
    if name not in IMPORTERS:
        raise ConfigError(f"there is no importer called {name!r}", mend=f"Choose one of {', '.join(IMPORTERS)}.")
    if folder.exists() and any(path.name[:1] != "." for path in folder.iterdir()):
        raise ConfigError("is not empty", where=str(folder), mend="Name an empty folder.")
    try:
        return IMPORTERS[name](source, folder, options or ImportOptions(), progress)
    except OSError as error:
        raise DatasetError(
            f"cannot be written ({error.strerror or error})",
            where=folder,
            mend="Make room on the disk or choose another --out, then run the same command again.",
        ) from error
