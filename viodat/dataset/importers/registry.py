"""The formats that ``viodat import`` reads, by name."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final

from threadpoolctl import threadpool_limits

from viodat.dataset.importers.mosa import import_mosa
from viodat.dataset.importers.options import Imported, ImportOptions, Progress
from viodat.dataset.importers.repovizz import import_quartet, import_telmi
from viodat.dataset.importers.urmp import import_urmp
from viodat.dataset.importers.viodat_v1 import import_viodat_v1
from viodat.errors import ConfigError, DatasetError

Importer = Callable[[Path, Path, ImportOptions, Progress], Imported]
"""Called with the published file or folder, an empty folder to write the dataset in, the options and the progress."""

IMPORTERS: Final[dict[str, Importer]] = {
    "viodat-v1": import_viodat_v1,
    "telmi": import_telmi,
    "quartet": import_quartet,
    "mosa": import_mosa,
    "urmp": import_urmp,
}

_OF_THE_RELEASE: Final = ("audio", "keypoints", "limit_gib")
_OF_THE_OTHERS: Final = ("config",)


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
        The published file or folder; it is only read.
    folder
        An empty folder. If this raises, what is in it is no dataset: it has no manifest.
    options
        What to take of it.
    progress
        Called as the work goes on.

    Raises
    ------
    ConfigError
        If there is no such format, an option says nothing to it, or the folder is not empty.
    CaptureError
        If a published file is damaged, holds what it should not, or is not of this format.
    DatasetError
        If nothing of it can be imported, or the folder cannot be written.
    """
    if name not in IMPORTERS:
        raise ConfigError(f"there is no importer called {name!r}", mend=f"Choose one of {', '.join(IMPORTERS)}.")
    options = options or ImportOptions()
    for option in _OF_THE_OTHERS if name == "viodat-v1" else _OF_THE_RELEASE:
        if getattr(options, option) != getattr(ImportOptions(), option):
            raise ConfigError(f"--{option.replace('_', '-')} says nothing to {name}", mend="Leave it out.")
    if folder.exists() and any(path.name[:1] != "." for path in folder.iterdir()):
        raise ConfigError("is not empty", where=str(folder), mend="Name an empty folder.")
    try:
        # Threads of linear algebra wait for each other longer than they work on pieces as small as these.
        with threadpool_limits(1, user_api="blas"):
            return IMPORTERS[name](source, folder, options, progress)
    except OSError as error:
        raise DatasetError(
            f"cannot be written ({error.strerror or error})",
            where=folder,
            mend="Make room on the disk or choose another --out, then run the same command again.",
        ) from error
