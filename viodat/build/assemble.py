"""Putting a dataset together from what stages left in the cache: files are linked, or copied where they cannot be."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from viodat.build.cache.digests import FileDigests
from viodat.build.cache.store import DamagedEntryError, Entry, FileFact, Store
from viodat.build.finish import DRAW, WRITE, Finished, FinishTask, Written
from viodat.build.prepare import READ, WAVEFORM
from viodat.build.report import TrialPage
from viodat.dataset.manifest import FileEntry
from viodat.files import atomic_path


@dataclass(frozen=True)
class TrialParts:
    """What the cache has of a finished trial.

    Attributes
    ----------
    written, page
        Its rows and what its page says; paths of pictures lie below the dataset.
    files
        Path in the dataset -> the file, and what it is known to hold.
    """

    written: Written
    page: TrialPage
    files: Mapping[str, tuple[Path, FileFact]]


def parts_of_trial(store: Store, finished: Finished, out: Path) -> TrialParts | None:
    """Find what the cache has of a finished trial; None if some of it is missing.

    Parameters
    ----------
    store
        The cache.
    finished
        What to look for.
    out
        The dataset that is made.
    """
    write = store.read(WRITE.name, finished.trial, finished.write_key)
    draw = store.read(DRAW.name, finished.trial, finished.draw_key)
    if write is None or draw is None:
        return None
    try:
        written, page = write.value(out), draw.value(out)
    except DamagedEntryError:
        return None
    files = dict(_files(store, write)) | dict(_files(store, draw))
    for target, (recording, key) in written.waveforms.items():
        read = store.read(READ.name, recording, key)
        if read is None or WAVEFORM not in read.files:
            return None
        files[target] = store.folder_of(read) / WAVEFORM, read.files[WAVEFORM]
    return TrialParts(written, page, files)


def _files(store: Store, entry: Entry) -> Iterator[tuple[str, tuple[Path, FileFact]]]:
    folder = store.folder_of(entry)
    for name, fact in entry.files.items():
        yield name, (folder / name, fact)


def damaged(parts: Sequence[TrialParts], digests: FileDigests, progress: Callable[[int, int], None]) -> set[Path]:
    """Give those files that are not what was written: somebody changed them, or the disk did."""
    wanted = {path: fact.sha256 for part in parts for path, fact in part.files.values()}
    found = digests.of(wanted, progress)
    return {path for path, digest in wanted.items() if found[path] != digest}


def place(parts: TrialParts, out: Path) -> dict[str, FileEntry]:
    """Put a trial's files into the dataset; give what the manifest needs to know of them.

    Raises
    ------
    OSError
        The disk refuses it.
    """
    entries = {}
    for name, (path, fact) in parts.files.items():
        target = out / name
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            os.link(path, target)
        except OSError:
            # Another disk, or one that knows no links.
            with atomic_path(target) as temporary:
                shutil.copyfile(path, temporary)
        entries[name] = FileEntry(fact.bytes, fact.sha256)
    return entries


def static_keys(task: FinishTask) -> Finished:
    """Give where a trial's results lie if nothing went wrong."""
    evidence = task.trial.evidence.key if task.lost is None else ""
    cameras = task.cameras(task.clocks(evidence).key).key if task.lost is None else ""
    write = task.write(evidence, cameras).key
    return Finished(task.trial.files.id, write, task.draw(write).key)
