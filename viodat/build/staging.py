"""The folder a dataset is made in, beside its destination, and how it takes that place.

Whatever stops a build, what stood at the destination before stays as it was: the new dataset is complete before
two renames put it there, and a run that finds them half done completes or undoes them. The folder's name is that of
the destination, so two builds of one dataset meet there, and the second is refused.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import socket
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from viodat.dataset.manifest import read_manifest
from viodat.dataset.paths import DATASET_JSON, MANIFEST_NAME
from viodat.errors import ConfigError, DatasetError

_OWNER = ".owner.json"
_SHOWN = 3


@contextlib.contextmanager
def staging_folder(raw: Path, out: Path) -> Iterator[Path]:
    """Give a folder to build in, and put it in the place of ``out`` if the block succeeds.

    Parameters
    ----------
    raw
        The raw capture, which must not be touched.
    out
        The dataset to be. Nothing there, an empty folder, or a dataset that viodat wrote and nobody added to.

    Raises
    ------
    ConfigError
        If ``out`` is no place for a dataset, another build is writing it, or it cannot be written.
    """
    target = out.resolve()
    _check_place(raw, out, target)
    staging = target.with_name(f".{target.name}.building")
    old = target.with_name(f".{target.name}.replaced")
    _claim(staging, out)
    try:
        if old.exists() and not target.exists():
            # A run was killed between the two renames below.
            old.rename(target)
        yield staging
        _check_replaceable(out, target)
        _swap(staging, target, old, out)
        (target / _OWNER).unlink(missing_ok=True)
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def _check_place(raw: Path, out: Path, target: Path) -> None:
    source = raw.resolve()
    if target == source or source in target.parents or target in source.parents:
        raise ConfigError(
            f"--out {out} and --raw {raw} lie one in the other; raw recordings are never written to",
            mend="Choose another folder for the dataset.",
        )
    if target.exists() and not target.is_dir():
        raise ConfigError("is a file; a folder was expected", where=str(out), mend="Choose another --out.")
    if os.path.ismount(target) or target == Path.cwd():
        what = "a mount point" if os.path.ismount(target) else "the working folder"
        raise ConfigError(
            f"is {what}, which cannot be replaced as a whole",
            where=str(out),
            mend=f"Name a folder in it: --out {out / 'dataset'}.",
        )
    _check_replaceable(out, target)


def _check_replaceable(out: Path, target: Path) -> None:
    """Refuse to replace anything but a dataset that viodat wrote, the whole of it."""
    if not target.is_dir() or not any(target.iterdir()):
        return
    try:
        if not (target / DATASET_JSON).is_file():
            raise DatasetError("no dataset.json")
        written = {*read_manifest(target), MANIFEST_NAME, _OWNER}
    except DatasetError as error:
        raise ConfigError(
            "holds files that are no viodat dataset, and would be replaced",
            where=str(out),
            mend="Choose another --out, or empty the folder.",
        ) from error
    found = (path.relative_to(target).as_posix() for path in target.rglob("*") if not path.is_dir())
    if extra := sorted(set(found) - written):
        shown = ", ".join(extra[:_SHOWN]) + (" ..." if len(extra) > _SHOWN else "")
        raise ConfigError(
            f"holds {len(extra)} file(s) that viodat did not write, and they would be lost: {shown}",
            where=str(out),
            mend="Move them, or choose another --out.",
        )


def _claim(staging: Path, out: Path) -> None:
    """Make the folder with its owner's name in it; one rename decides which of two builds has it."""
    try:
        staging.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f"{staging.name}.", dir=staging.parent) as place:
            mine = Path(place, "claim")
            mine.mkdir()
            owner = {"host": socket.gethostname(), "pid": os.getpid(), "since": time.time()}
            (mine / _OWNER).write_text(json.dumps(owner), encoding="utf-8")
            try:
                mine.rename(staging)
            except OSError:
                if not staging.is_dir():
                    raise
                if living := _living_owner(staging):
                    raise ConfigError(
                        f"another build is writing it ({living})",
                        where=str(out),
                        mend=f"Wait for it, or choose another --out. If it is dead, remove {staging}.",
                    ) from None
                shutil.rmtree(staging)
                mine.rename(staging)
    except OSError as error:
        raise ConfigError(
            f"cannot be written ({error.strerror or error})", where=str(out), mend="Choose another --out."
        ) from error


def _living_owner(staging: Path) -> str:
    """Say who is building there; empty if it is a process of this machine that is no more."""
    try:
        owner = json.loads((staging / _OWNER).read_text(encoding="utf-8"))
        host, pid, since = str(owner["host"]), int(owner["pid"]), float(owner["since"])
    except (OSError, ValueError, KeyError, TypeError):
        return ""
    if host == socket.gethostname() and not _alive(pid):
        return ""
    return f"process {pid} on {host}, for {(time.time() - since) / 60:.0f} min"


def _alive(pid: int) -> bool:
    if sys.platform == "win32":
        # There the call below would send Ctrl-C.
        return True
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True


def _swap(staging: Path, target: Path, old: Path, out: Path) -> None:
    try:
        shutil.rmtree(old, ignore_errors=True)
        if target.exists():
            target.rename(old)
        try:
            staging.rename(target)
        except BaseException:
            if old.exists() and not target.exists():
                old.rename(target)
            raise
        shutil.rmtree(old, ignore_errors=True)
    except OSError as error:
        raise ConfigError(
            f"cannot be replaced ({error.strerror or error}); what stood there is as it was",
            where=str(out),
            mend="Choose another --out, and run the same command again.",
        ) from error
